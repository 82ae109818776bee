"""Records made durable: one transaction a batch, tried again as far as that is safe.

Here is what happens when something goes wrong: a refused row fails alone, a lost connection is opened again, and a
commit whose answer got lost is looked up before anything is written twice.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from db.engine.backend.driver_errors import LOCKED, OTHER_FILE, SILENT
from db.engine.backend.protocol import Fault, WriteConnection
from db.engine.redaction import described
from db.engine.store import Store
from db.errors import DatabaseUnavailable, WriterGone
from db.ingest.id_blocks import EVENTS
from db.ingest.probe import Probe
from db.ingest.recordable import Recordable, Recorder
from db.ingest.watermark import Watermark, utc_now
from db.ingest.writer_session import WriterSession

# A record is refused after ten seconds; who asks whether one would be committed wants to know sooner.
PROBE_SECONDS = 1.5
# What another connection would meet as well, and would take time to.
CERTAIN = (LOCKED, SILENT, OTHER_FILE)

AnyRecorder: TypeAlias = Recorder[Any, Any]
Records: TypeAlias = Sequence[Recordable[Any]]
Outcomes: TypeAlias = Sequence[Any]


class Committer:
    """Commits batches of what its recorders record. Used by one task at a time."""

    def __init__(self, store: Store, recorders: Sequence[AnyRecorder], clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._database = store.database
        self._session = WriterSession(store, clock)
        self._probe = Probe(store.database.engine.dialect, recorders)
        self.recorders = recorders
        self._recorder_of: Mapping[type[Recordable[Any]], AnyRecorder] = {
            record: recorder for recorder in recorders for record in recorder.records
        }
        self.first_id: int | None = None
        """The lowest id of the click events that are being committed; None while there are none."""

    @property
    def watermark(self) -> Watermark:
        """Decides which timestamps records may have."""
        return self._session.watermark

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to the database as well, so that the watermark is stored in it."""
        return self._session.is_shared

    async def commit(self, records: Records) -> Outcomes:
        """Record what one recorder takes, in one transaction; return, in their order, each record's outcome, or an
        error if the database refused it. Raises `DatabaseUnavailable` when nothing is known to be recorded, and
        `SchemaOutdated` once another version has upgraded the schema."""
        try:
            outcomes = await self._commit(records)
        except BaseException:
            self._session.abandon()
            raise
        self.first_id = None
        return outcomes

    async def _commit(self, records: Records) -> Outcomes:
        recorder = self._recorder_of[type(records[0])]
        session = self._session
        one_by_one = lost = False
        numbers: Sequence[Any] = ()
        while True:
            try:
                async with self._store.turn():
                    generation, connection = session.generation, await session.ready()
                    if generation != session.generation:
                        numbers = ()
                    records = session.watermark.stamped(records)
                    numbers = numbers or await self._numbers(connection, recorder, records)
                    entries = recorder.pending(records, numbers)
                    return await _write(connection, recorder, entries, one_by_one=one_by_one, recheck=lost)
            except WriterGone:
                await session.begin_anew()
                if lost and numbers:
                    return await self._commit_rest(recorder, records, numbers)
                numbers = ()
            except Exception as error:
                match self._database.fault(error):
                    case Fault.OUTAGE if not lost:
                        # Perhaps only this connection is gone, and perhaps after the commit.
                        lost = True
                        await session.drop()
                    case Fault.OUTAGE:
                        raise DatabaseUnavailable(described(error), self._database.verdict(error).reason) from error
                    case Fault.ROW if not one_by_one:
                        one_by_one = True
                        await session.roll_back()
                    case Fault.CONFLICT:
                        await session.roll_back()
                    case _:
                        await session.check_schema()
                        raise

    async def _commit_rest(self, recorder: AnyRecorder, records: Records, numbers: Sequence[Any]) -> Outcomes:
        """Commit, under new ids, what an earlier try has not. Whether it has is certain: it was under way while the
        writer's row was there, which is gone."""
        entries = recorder.pending(records, numbers)
        with self._store.outages():
            await recorder.find_committed(await self._session.connected(), entries)
        rest = [record for record, entry in zip(records, entries, strict=True) if entry.outcome is None]
        outcomes = iter(await self._commit(rest) if rest else ())
        return [next(outcomes) if entry.outcome is None else entry.outcome for entry in entries]

    async def _numbers(self, connection: WriteConnection, recorder: AnyRecorder, records: Records) -> Sequence[Any]:
        """Reserve the ids of records; a later try of the same records keeps them."""
        needed, ids = recorder.needed_ids(records), self._session.ids
        await ids.ensure(connection, needed)
        self.first_id = ids.first(EVENTS) if EVENTS in needed else None
        return recorder.numbers(records, ids.take)

    async def renew(self) -> None:
        """Store the watermark if other processes may write as well. Raises `DatabaseUnavailable`,
        `SchemaOutdated`."""
        await self._session.renew()

    async def probe(self) -> None:
        """Do what commits do, and undo it. Raises `DatabaseUnavailable`."""
        with self._store.outages():
            try:
                await self._run_probe()
            except Exception as error:
                verdict = self._database.verdict(error)
                if verdict.fault is Fault.ROW:
                    return  # an operator's constraint does not like the probe; it was asked, so records are
                if verdict.fault is not Fault.OUTAGE or verdict in CERTAIN:
                    raise
                # Perhaps only this connection is gone.
                await self._run_probe()

    async def _run_probe(self) -> None:
        try:
            async with asyncio.timeout(PROBE_SECONDS), self._store.turn():
                try:
                    await self._probe.run(await self._session.ready())
                except WriterGone:
                    await self._session.begin_anew()
                    await self._probe.run(await self._session.ready())
        except BaseException:
            self._session.abandon()
            await self._session.drop()
            raise

    def drop_idle(self) -> None:
        """Give up the pooled connections that nobody uses, as an outage begins or ends."""
        self._database.drop_idle()

    async def disconnect(self) -> None:
        """Give the connection up, with whatever transaction is open in it. After a success, other processes are told
        that this one writes no more."""
        await self._session.disconnect()
        self.first_id = None


async def _write(
    connection: WriteConnection, recorder: AnyRecorder, entries: Sequence[Any], *, one_by_one: bool, recheck: bool
) -> Outcomes:
    if recheck or one_by_one or recorder.needs_transaction:
        await connection.begin()
    if recheck:
        await recorder.find_committed(connection, entries)
    work = await recorder.write(connection, entries, one_by_one=one_by_one)
    outcomes = [entry.outcome for entry in entries if entry.outcome is not None]
    if len(outcomes) < len(entries):
        raise RuntimeError("a record in the batch was neither written nor refused")
    await connection.commit(*work)
    return outcomes
