"""``python -m twinwall``."""

from twinwall.cli.main import main

if __name__ == "__main__":
    main()
