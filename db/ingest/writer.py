"""The writer: whatever waits while one commit is under way becomes the next batch, in one transaction.

No timer decides: an idle gateway answers at once, a busy one batches by itself. A record's outcome follows its commit.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic, perf_counter
from typing import Any, TypeVar

from db.engine.backend.driver_errors import SILENT
from db.errors import DatabaseUnavailable, SchemaOutdated, WriterQueueFull
from db.ingest.availability import PROBE_SECONDS, Availability, WriterObserver
from db.ingest.committer import Committer
from db.ingest.faults import Faults
from db.ingest.queues import RecordQueues, Waiting
from db.ingest.recordable import Recordable
from db.sql.commit_horizon import HORIZON_ID, HORIZON_MOMENT, LARGEST_ID
from db.tasks import end

logger = logging.getLogger(__name__)

# Larger batches gain nothing more on one commit, and make the first record in them wait for the last.
BATCH_ROWS = 500
# Trackers stop waiting for an answer after about this long, so a click that takes longer is better refused.
COMMIT_SECONDS = 10
# Clients that follow the clicks of several gateways see a click once the watermarks of all gateways have passed it.
# Storing a watermark takes a transaction.
RENEW_SECONDS = 0.5
# How late a client that follows a busy gateway sees a click, and how long its request may wait for that.
FOLLOW_SECONDS = 0.1
PATIENCE_SECONDS = 0.25

T = TypeVar("T")


class Writer:
    """Records what its committer's recorders accept. At most `queue_size` records wait at a time; more are refused. A
    batch has records of one recorder, and the recorders take turns."""

    def __init__(self, committer: Committer, *, queue_size: int, observer: WriterObserver) -> None:
        self._committer = committer
        self._observer = observer
        self._queues = RecordQueues(committer.recorders)
        self._queue_size = queue_size
        self._wake = asyncio.Event()
        self._closing = False
        self._availability = Availability(committer, observer)
        self._faults = Faults()
        self._task: asyncio.Task[None] | None = None
        self._watermark = committer.watermark
        self._writing: Sequence[Waiting] = ()
        self._followed: asyncio.Event | None = None
        """Set once the watermark that a request waits for is stored."""
        self._is_due = False
        self._renewed_at = 0.0
        self._has_committed = False
        self._renewing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write what waits."""
        self._observer.available(True)
        self._task = asyncio.create_task(self._run(), name="writer")
        if self._committer.is_shared:
            self._renewing = asyncio.create_task(self._renew_regularly(), name="watermark")

    async def close(self) -> None:
        """Take no more records, commit those that wait, and give the connection up."""
        self._closing = True
        self._wake.set()
        if self._renewing is not None:
            await end(self._renewing)
        self._availability.close()
        if self._task is not None:
            await self._task
        await self._committer.disconnect()

    @property
    def outage(self) -> DatabaseUnavailable | None:
        """Why a batch or a probe could not be committed, unless a probe was committed since."""
        return self._availability.outage

    async def prove(self) -> None:
        """Return once a batch was committed, or a probe while nothing waits. Raises `DatabaseUnavailable`."""
        if self._closing:
            raise DatabaseUnavailable("the gateway stops")
        proof = self._availability.ask()
        self._wake.set()
        await asyncio.shield(proof)

    @property
    def is_full(self) -> bool:
        """Whether the next record would be refused."""
        return self._closing or len(self._queues) >= self._queue_size

    async def record(self, record: Recordable[T]) -> T:
        """Record something, and return its outcome once it is committed. Raises `WriterQueueFull`,
        `DatabaseUnavailable`, and `RecordFailed` for an unexpected error or if the database refuses this record."""
        outcome: T = await self._submit(record)
        return outcome

    async def horizon(self) -> Mapping[str, Any]:
        """Advance the watermark, so that everything committed so far can be shown, and return the parameters of
        `db.sql.commit_horizon`. Takes at most `PATIENCE_SECONDS`."""
        if not self._committer.is_shared:
            first_id = self._committer.first_id
            return {HORIZON_MOMENT: self._advance(), HORIZON_ID: LARGEST_ID if first_id is None else first_id}
        if self._renewing is not None and self._has_committed:
            await self._be_followed()
        return {}

    async def _be_followed(self) -> None:
        if self._queues and monotonic() - self._renewed_at < FOLLOW_SECONDS:
            return
        self._followed = followed = self._followed or asyncio.Event()
        self._is_due = True
        self._wake.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await followed.wait()
        except TimeoutError:
            return  # the watermark stored before still holds

    def _advance(self) -> datetime:
        return self._watermark.advanced(self._queues.earliest(self._writing))

    def _submit(self, record: Recordable[Any]) -> asyncio.Future[Any]:
        if self.is_full:
            raise WriterQueueFull(f"{len(self._queues)} clicks and conversions are waiting")
        if record.received_at < self._watermark.timestamp:
            record = self._watermark.admitted(record)
        self._wake.set()
        return self._queues.put(record)

    async def _run(self) -> None:
        while self._queues or not self._closing:
            # In an outage, a probe registers the writer again.
            if self._is_due and self.outage is None:
                await self._renew()
                continue  # the state may have changed meanwhile
            # Writing a waiting batch proves as much as a probe.
            if self._availability.is_probe_due and (self.outage is not None or not self._queues):
                await self._availability.probe()
                continue
            if not self._queues:
                await self._wait()
                continue
            batch = self._writing = self._queues.take(BATCH_ROWS)
            try:
                await self._settle(batch)
            except Exception as error:
                self._refuse(batch, error)
            self._writing = ()

    async def _renew_regularly(self) -> None:
        while True:
            self._is_due = True
            self._wake.set()
            await asyncio.sleep(RENEW_SECONDS)

    async def _renew(self) -> None:
        """Store the watermark. If the database turns out to be unavailable, refuse what waits."""
        self._is_due = self._has_committed = False
        followed, self._followed = self._followed, None
        self._renewed_at = monotonic()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                self._advance()
                await self._committer.renew()
        except Exception as error:
            await self._committer.disconnect()
            if isinstance(error, DatabaseUnavailable | SchemaOutdated | TimeoutError):
                self._refuse((), error)
            else:
                logger.exception("the writer's watermark could not be stored")
        if followed is not None:
            followed.set()

    async def _wait(self) -> None:
        """Wait until there is something to do: records, or a probe."""
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if self.outage is None else PROBE_SECONDS):
                await self._wake.wait()

    async def _settle(self, batch: Sequence[Waiting]) -> None:
        """Commit a batch and give everyone in it the outcome."""
        self._observer.waiting(len(batch) + len(self._queues))
        started = perf_counter()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                outcomes = await self._committer.commit([waiting.record for waiting in batch])
        except Exception as error:
            await self._committer.disconnect()
            self._refuse(batch, error)
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                waiting.tell(
                    self._faults.logged(outcome, waiting.record.noun) if isinstance(outcome, Exception) else outcome,
                )
            self._observer.committed(len(batch), perf_counter() - started)
            self._has_committed = True
            self._availability.succeeded()
        self._observer.waiting(len(self._queues))

    def _refuse(self, batch: Sequence[Waiting], error: Exception) -> None:
        """Tell a batch why it was not recorded."""
        if isinstance(error, TimeoutError):
            error = DatabaseUnavailable(f"no commit within {COMMIT_SECONDS} seconds", SILENT.reason)
        error = self._availability.failed(error)
        if isinstance(error, DatabaseUnavailable):
            # Those that came meanwhile need not wait for an outage of their own.
            batch = [*batch, *self._queues.take_all()]
        elif batch:
            error = self._faults.logged(error, batch[0].record.noun, len(batch))
        for waiting in batch:
            waiting.tell(error)
