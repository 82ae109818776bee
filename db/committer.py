"""Clicks made durable: one transaction a batch, tried again as far as that is safe.

Here is what happens when something goes wrong: a refused row fails alone, a lost connection is opened again, and a
commit whose answer got lost is looked up before anything is written twice.
"""

import asyncio
from collections.abc import Sequence

from db.batch import Batch
from db.database import Fault, WriteConnection
from db.entries import Entry, TestEntry
from db.errors import DatabaseAway
from db.ids import IdBlocks
from db.masking import described
from db.outages import LOCKED, OTHER_FILE, SILENT
from db.probe import Probe
from db.records import Click, Receipt, TestClick
from db.store import Store

# A click is refused after ten seconds; who asks whether one would be recorded wants to know sooner.
PROBE_SECONDS = 1.5
# What another connection would meet as well, and would take time to.
CERTAIN = (LOCKED, SILENT, OTHER_FILE)


class Committer:
    """Owns the connection that clicks are written on. Used by one task at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database
        self._batch = Batch(store.database)
        self._ids = IdBlocks(store.database.engine.dialect)
        self._probe = Probe(store.database.engine.dialect, self._batch)
        self._connection: WriteConnection | None = None
        self._contents = store.database.contents

    async def commit(self, clicks: Sequence[Click | TestClick]) -> Sequence[Receipt | int | Exception]:
        """Record clicks in one transaction; return, in their order, a receipt for each click, a row id for each test
        click, and an error for each that the database refused. Raises `DatabaseAway` when nothing is known to be
        recorded."""
        one_by_one = lost = False
        numbers: list[tuple[int, int]] = []
        while True:
            try:
                async with self._store.turn():
                    contents, connection = self._contents, await self._connected()
                    if contents != self._contents:
                        numbers = []
                    numbers = numbers or await self._numbers(connection, clicks)
                    return await self._write(connection, clicks, numbers, one_by_one=one_by_one, recheck=lost)
            except Exception as error:
                match self._database.fault(error):
                    case Fault.AWAY if not lost:
                        # Perhaps only this connection is gone, and perhaps after the commit.
                        lost = True
                        await self.disconnect()
                    case Fault.AWAY:
                        raise DatabaseAway(described(error), self._database.verdict(error).reason) from error
                    case Fault.ROW if not one_by_one:
                        one_by_one = True
                        await self._roll_back()
                    case Fault.CONFLICT:
                        await self._roll_back()
                    case _:
                        raise

    async def probe(self) -> None:
        """Do what commits do, and undo it. Raises `DatabaseAway`."""
        with self._store.outages():
            try:
                await self._run_probe()
            except Exception as error:
                verdict = self._database.verdict(error)
                if verdict.fault is Fault.ROW:
                    return  # an operator's constraint does not like the probe; it was asked, so clicks are
                if verdict.fault is not Fault.AWAY or verdict in CERTAIN:
                    raise
                # Perhaps only this connection is gone.
                await self._run_probe()

    async def _run_probe(self) -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS), self._store.turn():
                await self._probe.run(await self._connected())
        except BaseException:
            await self.disconnect()
            raise

    def drop_idle(self) -> None:
        """Give up the pooled connections that nobody uses, as an outage begins or ends."""
        self._database.drop_idle()

    async def disconnect(self) -> None:
        """Give the connection up, with whatever transaction is open in it."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _connected(self) -> WriteConnection:
        if self._connection is None:
            self._connection = await self._database.connect_writer()
            if self._contents != self._database.contents:
                # What was reserved in another database may be taken in this one.
                self._contents = self._database.contents
                self._ids = IdBlocks(self._database.engine.dialect)
        return self._connection

    async def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                await self._connection.rollback()
        except Exception:
            await self.disconnect()

    async def _numbers(self, connection: WriteConnection, clicks: Sequence[Click | TestClick]) -> list[tuple[int, int]]:
        """Reserve a row id and, for a click, a customer's id, for each; a later try of the same clicks keeps them."""
        tests = sum(isinstance(click, TestClick) for click in clicks)
        real = len(clicks) - tests
        await self._ids.ensure(connection, {"click_events": real, "customers": real, "click_test_events": tests})
        events, customers = iter(self._ids.take("click_events", real)), iter(self._ids.take("customers", real))
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
        entries = [
            TestEntry(click, id) if isinstance(click, TestClick) else Entry(click, id, customer_id)
            for click, (id, customer_id) in zip(clicks, numbers, strict=True)
        ]
        real = [entry for entry in entries if isinstance(entry, Entry)]
        tests = [entry for entry in entries if isinstance(entry, TestEntry)]
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
