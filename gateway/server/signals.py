"""The signals by which a gateway is stopped. `SIGTERM` and `SIGINT` are the server's own; a terminal that goes away and
`kill -QUIT` stop it as gracefully."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ALSO_STOPPING = [getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name)]


class Stopped(BaseException):
    """The server has stopped, and passes on the signal that stopped it."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let everything within end in order after the server has stopped by `SIGTERM`; then end the process by it. The
    server itself passes the signal on at once, which would leave a socket's file behind."""
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    except Stopped:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)


def stop_on_hangup() -> None:
    """Stop on further signals as on `SIGTERM`, but for those that are ignored, as under `nohup`."""
    for number in heeded():
        signal.signal(number, _stop)


def heeded() -> list[signal.Signals]:
    """Return the further signals that stop this process."""
    return [number for number in ALSO_STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _stop(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)
