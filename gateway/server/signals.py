"""The signals that stop a gateway gracefully.

uvicorn handles `SIGTERM` and `SIGINT`. This module adds `SIGQUIT` and `SIGHUP`, which a closing terminal sends.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name)]


class Stopped(BaseException):
    """Raised when uvicorn, after stopping, raises the signal that stopped it again."""


@contextmanager
def graceful_exit() -> Iterator[None]:
    """Run the exit handlers of the `with` block after `SIGTERM` has stopped the server, then end the process by that
    signal. uvicorn raises the signal again at once, which would leave a Unix socket's file behind."""
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    except Stopped:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)


def stop_on_hangup() -> None:
    """Treat the additional signals like `SIGTERM`, except for ignored ones, as under `nohup`."""
    for number in active_stop_signals():
        signal.signal(number, _stop)


def active_stop_signals() -> list[signal.Signals]:
    """Return the additional signals that stop this process."""
    return [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _stop(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)
