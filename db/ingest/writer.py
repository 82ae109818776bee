"""The click writer: whatever waits while one commit is under way becomes the next batch, in one transaction.

No timer decides: an idle gateway answers at once, a busy one batches by itself. A click's answer follows its commit.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from time import monotonic, perf_counter
from typing import Any, NamedTuple, Protocol

from db.engine.backend.driver_errors import OTHER_SCHEMA, SILENT
from db.engine.redaction import described
from db.errors import DatabaseUnavailable, SchemaOutdated, WriterQueueFull
from db.ingest.clicks.records import Click, Receipt, TestClick
from db.ingest.committer import Committer
from db.ingest.faults import ClickFaults
from db.sql.commit_horizon import HORIZON_ID, HORIZON_MOMENT, LARGEST_ID

logger = logging.getLogger(__name__)

# Larger batches gain nothing more on one commit, and make the first click in them wait for the last.
BATCH_ROWS = 500
# Trackers give up on an answer after about this long; the click is then better refused than kept.
COMMIT_SECONDS = 10
# How often the writer finds out by itself whether an outage is over.
PROBE_SECONDS = 0.5
# Of several gateways on one database, those who follow the clicks see a click of one only once the others have promised
# to record none of before it. Each promise is a transaction.
RENEW_SECONDS = 0.5
# Who follows a busy gateway sees its clicks this late at most, and need not wait for longer than that.
FOLLOW_SECONDS = 0.1
PATIENCE_SECONDS = 0.25


class WriterObserver(Protocol):
    """Who is told about the writer's work."""

    def waiting(self, clicks: int) -> None:
        """So many clicks wait as the next batch begins."""

    def committed(self, clicks: int, seconds: float) -> None:
        """A batch of so many clicks was committed, in so many seconds."""

    def available(self, is_available: bool) -> None:
        """An outage began or ended."""


class _Waiting(NamedTuple):
    click: Click | TestClick
    answer: asyncio.Future[Any]


class ClickWriter:
    """Records clicks; at most `queue_clicks` of them wait at a time, further ones are refused."""

    def __init__(self, committer: Committer, *, queue_clicks: int, observer: WriterObserver) -> None:
        self._committer = committer
        self._observer = observer
        self._queue: deque[_Waiting] = deque()
        self._queue_clicks = queue_clicks
        self._wake = asyncio.Event()
        self._closing = False
        self._outage: DatabaseUnavailable | None = None
        self._faults = ClickFaults()
        self._probed_at = 0.0
        self._proof: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._promises = committer.promises
        self._writing: Sequence[_Waiting] = ()
        self._followed: asyncio.Event | None = None
        """Set when the promise is renewed that somebody waits for."""
        self._is_due = False
        self._renewed_at = 0.0
        self._has_committed = False
        self._renewing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write what waits."""
        self._observer.available(True)
        self._task = asyncio.create_task(self._run(), name="click writer")
        if self._committer.is_shared:
            self._renewing = asyncio.create_task(self._renew_regularly(), name="promises")

    async def close(self) -> None:
        """Take no more clicks, commit those that wait, and give the connection up."""
        self._closing = True
        self._wake.set()
        if self._renewing is not None:
            self._renewing.cancel()
        if self._proof is not None and not self._proof.done():
            self._proof.set_exception(DatabaseUnavailable("the gateway stops"))
        if self._task is not None:
            await self._task
        await self._committer.disconnect()

    @property
    def outage(self) -> DatabaseUnavailable | None:
        """Why a batch or a probe could not be committed, unless a probe was committed since."""
        return self._outage

    async def prove(self) -> None:
        """Return once a batch was committed, or a probe while no click waits. Raises `DatabaseUnavailable`."""
        if self._closing:
            raise DatabaseUnavailable("the gateway stops")
        if self._proof is None or self._proof.done():
            self._proof = asyncio.get_running_loop().create_future()
            self._wake.set()
        await asyncio.shield(self._proof)

    @property
    def is_full(self) -> bool:
        """Whether the next click would be refused."""
        return self._closing or len(self._queue) >= self._queue_clicks

    async def record(self, click: Click) -> Receipt:
        """Record a click; return once it is committed. Raises `WriterQueueFull`, `DatabaseUnavailable` and
        `ClickFailed`, also where the database refuses this one click."""
        receipt: Receipt = await self._submit(click)
        return receipt

    async def record_test(self, click: TestClick) -> int:
        """Record a test click; return its row's id once it is committed. Raises as `record` does."""
        row_id: int = await self._submit(click)
        return row_id

    async def horizon(self) -> Mapping[str, Any]:
        """Promise as much as can be promised now, so that whatever was committed so far can be handed out; return the
        values that the conditions of `db.sql.commit_horizon` take. Takes a quarter of a second at most."""
        if not self._committer.is_shared:
            first_id = self._committer.first_id
            return {HORIZON_MOMENT: self._promise(), HORIZON_ID: LARGEST_ID if first_id is None else first_id}
        if self._renewing is not None and self._has_committed:
            await self._be_followed()
        return {}

    async def _be_followed(self) -> None:
        if self._queue and monotonic() - self._renewed_at < FOLLOW_SECONDS:
            return
        self._followed = followed = self._followed or asyncio.Event()
        self._is_due = True
        self._wake.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await followed.wait()
        except TimeoutError:
            return  # what was promised before is still true

    def _promise(self) -> datetime:
        moments = [waiting.click.occurred_at for waiting in chain(self._writing, self._queue)]
        return self._promises.renewed(min(moments, default=None))

    def _submit(self, click: Click | TestClick) -> asyncio.Future[Any]:
        if self.is_full:
            raise WriterQueueFull(f"{len(self._queue)} clicks are waiting")
        if click.occurred_at < self._promises.moment:
            click = self._promises.admitted(click)
        waiting = _Waiting(click, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake.set()
        return waiting.answer

    async def _run(self) -> None:
        while self._queue or not self._closing:
            # In an outage, a probe registers the writer again.
            if self._is_due and self._outage is None:
                await self._renew()
                continue  # much may have happened meanwhile
            if self._is_probe_due():
                await self._probe()
                continue
            if not self._queue:
                await self._wait()
                continue
            batch = self._writing = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_ROWS))]
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
        """Store the present promise; refuse what waits if the database turns out to be away."""
        self._is_due = self._has_committed = False
        followed, self._followed = self._followed, None
        self._renewed_at = monotonic()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                self._promise()
                await self._committer.renew()
        except Exception as error:
            await self._committer.disconnect()
            if isinstance(error, DatabaseUnavailable | SchemaOutdated | TimeoutError):
                self._refuse((), error)
            else:
                logger.exception("the click writer's promise is not kept in the database")
        if followed is not None:
            followed.set()

    async def _wait(self) -> None:
        """Wait until there is something to do: clicks, or a probe."""
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if self._outage is None else PROBE_SECONDS):
                await self._wake.wait()

    def _is_probe_due(self) -> bool:
        """Whether somebody asks and no batch is about to tell, or an outage may be over."""
        if self._outage is not None:
            return monotonic() - self._probed_at >= PROBE_SECONDS
        return not self._queue and self._proof is not None and not self._proof.done()

    async def _probe(self) -> None:
        self._probed_at = monotonic()
        try:
            await self._committer.probe()
        except (DatabaseUnavailable, SchemaOutdated) as error:
            self._failed(error)
        except Exception as error:
            if self._outage is None:
                logger.exception("a probe of the database failed")
            self._failed(DatabaseUnavailable(described(error), "the database does what nobody expects"))
        else:
            if self._outage is not None:
                self._outage = None
                self._observer.available(True)
                self._committer.drop_idle()
                logger.warning("the database is back, clicks are recorded again")
            self._prove()

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        """Commit a batch and answer everyone in it."""
        self._observer.waiting(len(batch) + len(self._queue))
        started = perf_counter()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                outcomes = await self._committer.commit([waiting.click for waiting in batch])
        except Exception as error:
            await self._committer.disconnect()
            self._refuse(batch, error)
        else:
            for waiting, outcome in zip(batch, outcomes, strict=True):
                _answer(waiting, self._faults.logged(outcome) if isinstance(outcome, Exception) else outcome)
            self._observer.committed(len(batch), perf_counter() - started)
            self._has_committed = True
            # In an outage some clicks may be recorded while others are not; only a probe tells that all are again.
            if self._outage is None:
                self._prove()
        self._observer.waiting(len(self._queue))

    def _refuse(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """Tell a batch why it was not recorded."""
        if isinstance(error, TimeoutError):
            error = DatabaseUnavailable(f"no commit within {COMMIT_SECONDS} seconds", SILENT.reason)
        error = self._failed(error)
        if isinstance(error, DatabaseUnavailable):
            # Those that came meanwhile need not wait for an outage of their own.
            batch = [*batch, *self._queue]
            self._queue.clear()
        elif batch:
            error = self._faults.logged(error, len(batch))
        for waiting in batch:
            _answer(waiting, error)

    def _prove(self) -> None:
        if self._proof is not None and not self._proof.done():
            self._proof.set_result(None)

    def _failed(self, error: Exception) -> Exception:
        """Take note of why nothing was committed, and return it as those who wait are told. An outage is logged once,
        when it begins."""
        if isinstance(error, SchemaOutdated):
            error = DatabaseUnavailable(str(error), OTHER_SCHEMA.reason)
        if isinstance(error, DatabaseUnavailable):
            if self._proof is not None and not self._proof.done():
                self._proof.set_exception(error)
                self._proof.exception()  # who asked may have given up
            if self._outage is None:
                self._probed_at = monotonic()
                self._observer.available(False)
                self._committer.drop_idle()
                logger.error("%s", error)
            self._outage = error
        return error


def _answer(waiting: _Waiting, outcome: Receipt | int | Exception) -> None:
    if waiting.answer.done():
        return  # nobody waits for it any more
    if isinstance(outcome, Exception):
        waiting.answer.set_exception(outcome)
    else:
        waiting.answer.set_result(outcome)
