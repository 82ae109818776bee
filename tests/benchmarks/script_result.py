"""How a script here ends: in order, or loudly because something was wrong."""

import signal
import sys
from collections.abc import Callable


class Wrong(RuntimeError):
    """The gateway, or what it left in the database, is not as was promised."""


def run(main: Callable[[], None]) -> None:
    """Run a script. Told to stop, it still ends the servers that it started; what was wrong is its exit's message."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except Wrong as fault:
        sys.exit(f"WRONG: {fault}")
