"""The way in which a benchmark ends: normally, or with an error message and exit code."""

import signal
import sys
from collections.abc import Callable


class Wrong(RuntimeError):
    """The gateway or its database is not as promised."""


def run(main: Callable[[], None]) -> None:
    """Run a script. If it is interrupted, it still stops the servers that it started; `Wrong` becomes its exit
    message."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except Wrong as fault:
        sys.exit(f"WRONG: {fault}")
