"""What waits to be written: a queue for each recorder, which take turns."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from db.ingest.committer import AnyRecorder
from db.ingest.recordable import Recordable


class Waiting(NamedTuple):
    """A record, and the future that its sender waits for."""

    record: Recordable[Any]
    outcome: asyncio.Future[Any]

    def tell(self, outcome: Any) -> None:
        """Give the sender an outcome, or raise an error there."""
        if self.outcome.done():
            return  # nobody waits for it any more
        if isinstance(outcome, Exception):
            self.outcome.set_exception(outcome)
        else:
            self.outcome.set_result(outcome)


class RecordQueues:
    """Queues of records, from which batches of one recorder are taken."""

    def __init__(self, recorders: Sequence[AnyRecorder]) -> None:
        self._queues: deque[deque[Waiting]] = deque()
        self._queue_of: dict[type[Recordable[Any]], deque[Waiting]] = {}
        for recorder in recorders:
            queue: deque[Waiting] = deque()
            self._queues.append(queue)
            self._queue_of |= dict.fromkeys(recorder.records, queue)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Waiting]:
        return chain(*self._queues)

    def put(self, record: Recordable[Any]) -> asyncio.Future[Any]:
        """Add a record; return the future of its outcome."""
        waiting = Waiting(record, asyncio.get_running_loop().create_future())
        self._queue_of[type(record)].append(waiting)
        self._length += 1
        return waiting.outcome

    def take(self, most: int) -> Sequence[Waiting]:
        """Take at most so many records from the queue whose turn it is. There must be one."""
        while not self._queues[0]:
            self._queues.rotate(-1)
        queue = self._queues[0]
        self._queues.rotate(-1)
        size = min(len(queue), most)
        self._length -= size
        return [queue.popleft() for _ in range(size)]

    def take_all(self) -> Sequence[Waiting]:
        """Take everything."""
        taken = list(self)
        for queue in self._queues:
            queue.clear()
        self._length = 0
        return taken

    def earliest(self, others: Sequence[Waiting]) -> datetime | None:
        """Return when the earliest of the records, and of others, was received; None without any."""
        return min((waiting.record.received_at for waiting in chain(others, self)), default=None)
