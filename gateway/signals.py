"""The signals by which a gateway is stopped. `SIGTERM` and `SIGINT` are the server's own; a terminal that goes away and
`kill -QUIT` stop it as gracefully."""

import signal
from types import FrameType

ALSO_STOPPING = [getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name)]


def stop_on_hangup() -> None:
    """Stop on further signals as on `SIGTERM`, but for those that are ignored, as under `nohup`."""
    for number in heeded():
        signal.signal(number, _stop)


def heeded() -> list[signal.Signals]:
    """Return the further signals that stop this process."""
    return [number for number in ALSO_STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


def _stop(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)
