"""The command line: a file per family of commands. A command parses, builds, calls and shows."""
