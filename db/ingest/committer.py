"""Clicks made durable: one transaction a batch, tried again as far as that is safe.

Here is what happens when something goes wrong: a refused row fails alone, a lost connection is opened again, and a
commit whose answer got lost is looked up before anything is written twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import func, select

from db.engine.backend.driver_errors import LOCKED, OTHER_FILE, SILENT
from db.engine.backend.protocol import Fault, WriteConnection
from db.engine.redaction import described
from db.engine.schema_fence import check_revision
from db.engine.store import Store
from db.errors import DatabaseUnavailable, SchemaOutdated, WriterGone
from db.ingest.clicks.entries import Entry, TestEntry
from db.ingest.clicks.probe import Probe
from db.ingest.clicks.recorder import Batch
from db.ingest.clicks.records import Click, Receipt, TestClick
from db.ingest.id_blocks import IdBlocks
from db.ingest.promises import Promises, utc_now
from db.ingest.registration import EVENTS, Registration
from db.schema.partners import PartnerProgram
from db.sql.compiled_queries import CompiledQuery

# A database that needs longer for it will find out by itself that the writer has gone.
RETIRE_SECONDS = 1
# When the latest click was.
LATEST = CompiledQuery(select(func.max(PartnerProgram.last_clicked_at)))

# A click is refused after ten seconds; who asks whether one would be recorded wants to know sooner.
PROBE_SECONDS = 1.5
# What another connection would meet as well, and would take time to.
CERTAIN = (LOCKED, SILENT, OTHER_FILE)


class Committer:
    """Owns the connection that clicks are written on. Used by one task at a time.

    `promises` says which moments clicks may have. A click whose moment is before the promise that the writer has to
    start with is moved up to it.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._database = store.database
        self._batch = Batch(store.database)
        self._ids = IdBlocks(store.database.engine.dialect)
        self._probe = Probe(store.database.engine.dialect, self._batch)
        self._connection: WriteConnection | None = None
        self._generation = store.database.generation
        self.promises = Promises(clock)
        self._registration = None if store.is_sqlite else Registration(self.promises, self._ids)
        self._knows_latest = False
        self.first_id: int | None = None
        """The lowest id of the events that are being committed; None while there are none."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to the database as well, so that promises are kept in it."""
        return self._registration is not None

    async def commit(self, clicks: Sequence[Click | TestClick]) -> Sequence[Receipt | int | Exception]:
        """Record clicks in one transaction; return, in their order, a receipt for each click, a row id for each test
        click, and an error for each that the database refused. Raises `DatabaseUnavailable` when nothing is known to be
        recorded, and `SchemaOutdated` once another version has upgraded the schema."""
        try:
            outcomes = await self._commit(clicks)
        except BaseException:
            if self._registration is not None:
                self._registration.abandon()
            raise
        self.first_id = None
        return outcomes

    async def _commit(self, clicks: Sequence[Click | TestClick]) -> Sequence[Receipt | int | Exception]:
        one_by_one = lost = False
        numbers: list[tuple[int, int]] = []
        while True:
            try:
                async with self._store.turn():
                    generation, connection = self._generation, await self._ready()
                    if generation != self._generation:
                        numbers = []
                    clicks = self.promises.stamped(clicks)
                    numbers = numbers or await self._numbers(connection, clicks)
                    return await self._write(connection, clicks, numbers, one_by_one=one_by_one, recheck=lost)
            except WriterGone:
                await self._begin_anew()
                if lost and numbers:
                    return await self._commit_rest(clicks, numbers)
                numbers = []
            except Exception as error:
                match self._database.fault(error):
                    case Fault.OUTAGE if not lost:
                        # Perhaps only this connection is gone, and perhaps after the commit.
                        lost = True
                        await self._drop()
                    case Fault.OUTAGE:
                        raise DatabaseUnavailable(described(error), self._database.verdict(error).reason) from error
                    case Fault.ROW if not one_by_one:
                        one_by_one = True
                        await self._roll_back()
                    case Fault.CONFLICT:
                        await self._roll_back()
                    case _:
                        await self._check_schema()
                        raise

    async def _commit_rest(
        self, clicks: Sequence[Click | TestClick], numbers: Sequence[tuple[int, int]]
    ) -> Sequence[Receipt | int | Exception]:
        """Commit, under new ids, what an earlier try has not. Whether it has is certain: it was under way while the
        writer's row was there, which is gone."""
        entries = _entries(clicks, numbers)
        with self._store.outages():
            await self._batch.find_committed(await self._connected(), *_by_kind(entries))
        rest = [click for click, entry in zip(clicks, entries, strict=True) if entry.outcome is None]
        outcomes = iter(await self._commit(rest) if rest else ())
        return [next(outcomes) if entry.outcome is None else entry.outcome for entry in entries]

    async def renew(self) -> None:
        """Store what `promises` says by now, if other processes may write as well; register first. Raises
        `DatabaseUnavailable`, `SchemaOutdated`."""
        if self._registration is None:
            return
        try:
            with self._store.outages():
                try:
                    await self._registration.renew(await self._ready())
                except Exception as error:
                    if self._database.fault(error) is not Fault.OUTAGE:
                        raise
                    # Perhaps only this connection is gone.
                    await self._drop()
                    await self._registration.renew(await self._ready())
        except BaseException:
            self._registration.abandon()
            raise

    async def probe(self) -> None:
        """Do what commits do, and undo it. Raises `DatabaseUnavailable`."""
        with self._store.outages():
            try:
                await self._run_probe()
            except Exception as error:
                verdict = self._database.verdict(error)
                if verdict.fault is Fault.ROW:
                    return  # an operator's constraint does not like the probe; it was asked, so clicks are
                if verdict.fault is not Fault.OUTAGE or verdict in CERTAIN:
                    raise
                # Perhaps only this connection is gone.
                await self._run_probe()

    async def _run_probe(self) -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS), self._store.turn():
                try:
                    await self._probe.run(await self._ready())
                except WriterGone:
                    await self._begin_anew()
                    await self._probe.run(await self._ready())
        except BaseException:
            await self._abandon()
            raise

    def drop_idle(self) -> None:
        """Give up the pooled connections that nobody uses, as an outage begins or ends."""
        self._database.drop_idle()

    async def disconnect(self) -> None:
        """Give the connection up, with whatever transaction is open in it. After a success, other processes are told
        that this one writes no more."""
        if self._registration is not None and self._connection is not None:
            with suppress(Exception):  # they will find out by themselves
                async with asyncio.timeout(RETIRE_SECONDS):
                    await self._registration.retire(self._connection)
            self._registration.abandon()
        await self._drop()
        self.first_id = None

    async def _begin_anew(self) -> None:
        """Take note that the writer's row is gone; it will register again."""
        await self._roll_back()
        if self._registration is not None:
            self._registration.forget()

    async def _abandon(self) -> None:
        """Give the connection up without knowing what becomes of the transaction in it."""
        if self._registration is not None:
            self._registration.abandon()
        await self._drop()

    async def _drop(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _ready(self) -> WriteConnection:
        """Return the connection, of a writer that others take into account."""
        connection = await self._connected()
        if self._registration is not None:
            await self._registration.ensure(connection)
        elif not self._knows_latest:
            ((latest,),) = await connection.read(LATEST, {})
            self._knows_latest = True
            if latest is not None:  # the clock may have gone back since then
                self.promises.start_at(latest)
        return connection

    async def _check_schema(self) -> None:
        """Raise `SchemaOutdated` where that explains a failure."""
        if self._registration is not None:
            await self._roll_back()
            try:
                await check_revision(await self._connected())
            except SchemaOutdated:
                raise
            except Exception:
                return  # the failure itself tells more

    async def _connected(self) -> WriteConnection:
        if self._connection is None:
            self._connection = await self._database.connect_writer()
            if self._generation != self._database.generation:
                # What was reserved in another database may be taken in this one.
                self._generation = self._database.generation
                self._ids = IdBlocks(self._database.engine.dialect)
        return self._connection

    async def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                await self._connection.rollback()
        except Exception:
            await self._drop()

    async def _numbers(self, connection: WriteConnection, clicks: Sequence[Click | TestClick]) -> list[tuple[int, int]]:
        """Reserve a row id and, for a click, a customer's id, for each; a later try of the same clicks keeps them."""
        tests = sum(isinstance(click, TestClick) for click in clicks)
        real = len(clicks) - tests
        await self._ids.ensure(connection, {EVENTS: real, "customers": real, "click_test_events": tests})
        self.first_id = self._ids.first(EVENTS) if real else None
        events, customers = iter(self._ids.take(EVENTS, real)), iter(self._ids.take("customers", real))
        test_events = iter(self._ids.take("click_test_events", tests))
        return [
            (next(test_events), 0) if isinstance(click, TestClick) else (next(events), next(customers))
            for click in clicks
        ]

    async def _write(
        self,
        connection: WriteConnection,
        clicks: Sequence[Click | TestClick],
        numbers: Sequence[tuple[int, int]],
        *,
        one_by_one: bool,
        recheck: bool,
    ) -> Sequence[Receipt | int | Exception]:
        entries = _entries(clicks, numbers)
        real, tests = _by_kind(entries)
        in_transaction = recheck or one_by_one
        if in_transaction:
            await connection.begin()
        if recheck:
            await self._batch.find_committed(connection, real, tests)
        work = (
            *await self._batch.write(connection, real, in_transaction=in_transaction, one_by_one=one_by_one),
            *await self._batch.write_tests(connection, tests, one_by_one=one_by_one),
        )
        outcomes = [entry.outcome for entry in entries if entry.outcome is not None]
        if len(outcomes) < len(entries):
            raise RuntimeError("a click in the batch was neither recorded nor refused")
        await connection.commit(*work)
        return outcomes


def _entries(clicks: Sequence[Click | TestClick], numbers: Sequence[tuple[int, int]]) -> list[Entry | TestEntry]:
    return [
        TestEntry(click, id) if isinstance(click, TestClick) else Entry(click, id, customer_id)
        for click, (id, customer_id) in zip(clicks, numbers, strict=True)
    ]


def _by_kind(entries: Sequence[Entry | TestEntry]) -> tuple[list[Entry], list[TestEntry]]:
    real = [entry for entry in entries if isinstance(entry, Entry)]
    return real, [entry for entry in entries if isinstance(entry, TestEntry)]
