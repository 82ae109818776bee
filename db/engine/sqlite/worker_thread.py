"""A thread that runs steps for the event loop, one after the other.

An executor does the same, and takes the event loop three times as long for it.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

# Many times as long as an idle thread needs to wake up.
TAKE_SECONDS = 0.001


class WorkerThread:
    """The thread; it ends with `stop`, or with the process."""

    def __init__(self, name: str) -> None:
        self._steps: SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._not_taken = threading.Lock()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def run(self, step: Callable[[], T]) -> "asyncio.Future[T]":
        """Have a step run, and return its outcome to be awaited. One that is cancelled before it began never runs."""
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._not_taken.acquire(blocking=False)
        self._steps.put((outcome, step))
        # The thread wants the interpreter's lock for a moment before its step lets go of it; the event loop would keep
        # it for a millisecond, in which the disk does nothing.
        self._not_taken.acquire(timeout=TAKE_SECONDS)
        return outcome

    def stop(self) -> None:
        """End the thread after the steps that wait; do not wait for it."""
        self._steps.put(None)

    def _work(self) -> None:
        while (given := self._steps.get()) is not None:
            if self._not_taken.locked():
                self._not_taken.release()
            outcome, step = given
            if not outcome.cancelled():
                self._tell(outcome, *_run(step))
            del given, outcome, step  # what they hold is not kept until the next ones

    def _tell(self, outcome: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed, nobody waits any more
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
