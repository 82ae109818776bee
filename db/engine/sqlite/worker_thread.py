"""A thread that runs functions for the event loop, one after the other.

`ThreadPoolExecutor` does the same but costs the event loop three times as much per call.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

# Many times what an idle thread needs to wake up.
TAKE_SECONDS = 0.001


class WorkerThread:
    """A daemon thread, which runs until `stop` or the end of the process."""

    def __init__(self, name: str) -> None:
        self._steps: SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._not_taken = threading.Lock()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def run(self, step: Callable[[], T]) -> "asyncio.Future[T]":
        """Run a function in the thread; return a future of its result. One cancelled before its start never runs."""
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._not_taken.acquire(blocking=False)
        self._steps.put((outcome, step))
        # The thread briefly needs the GIL before its function releases it. Without this wait, the event loop would
        # keep the GIL for another millisecond, with the disk idle.
        self._not_taken.acquire(timeout=TAKE_SECONDS)
        return outcome

    def stop(self) -> None:
        """Stop the thread after the queued functions have run; return without waiting."""
        self._steps.put(None)

    def _work(self) -> None:
        while (given := self._steps.get()) is not None:
            if self._not_taken.locked():
                self._not_taken.release()
            outcome, step = given
            if not outcome.cancelled():
                self._deliver(outcome, *_run(step))
            del given, outcome, step  # else they would stay alive until the next call

    def _deliver(self, outcome: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the event loop is closed
            outcome.get_loop().call_soon_threadsafe(_settle, outcome, result, error)


def _run(step: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return step(), None
    except BaseException as error:
        return None, error


def _settle(outcome: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if outcome.cancelled():
        return
    if error is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(error)
