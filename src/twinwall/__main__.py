"""``twinwall``, and ``python -m twinwall``. Stands apart, so that Ctrl-C is heard while the rest still loads.

What a machine that shuts down, a cancelled job or a terminal that closes sends (SIGTERM, SIGHUP) is heard as Ctrl-C is:
calls in flight are waited for, the lock is let go. ``nohup`` stays what it is.
"""

import signal
import sys


def main() -> None:
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        from twinwall.cli.main import main as run  # noqa: PLC0415 - this is what may be stopped
    except KeyboardInterrupt:
        sys.stderr.write("twinwall: stopped; nothing was written\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
