"""The probes, a module for each area."""
