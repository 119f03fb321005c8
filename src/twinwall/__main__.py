"""``twinwall``, and ``python -m twinwall``. Stands apart, so that Ctrl-C is heard while the rest still loads."""

import sys


def main() -> None:
    try:
        from twinwall.cli.main import main as run  # noqa: PLC0415 - this is what may be stopped
    except KeyboardInterrupt:
        sys.stderr.write("twinwall: stopped; nothing was written\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
