"""Records test clicks, which nothing refers to and nothing counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import astuple

from db.engine.backend.protocol import Database, WriteConnection
from db.ingest.clicks.records import TestClick, VisitRecord
from db.ingest.clicks.statements import TestClickStatements
from db.ingest.id_blocks import TEST_EVENTS
from db.ingest.recordable import PROBE_URL, ShiftIds, TakeIds
from db.ingest.savepoints import refusal
from db.sql.batch_statements import RowValues, StatementRows


@dataclass(slots=True)
class PendingTestClick:
    """A test click in a batch: the id reserved for it, which becomes its outcome."""

    click: TestClick
    id: int
    outcome: int | Exception | None = None

    @property
    def row(self) -> RowValues:
        click = self.click
        return self.id, click.program_id, click.received_at, click.affiliate_url, *astuple(click.visit)


class TestClickRecorder:
    """The `Recorder` of test clicks on one database."""

    records = (TestClick,)
    needs_transaction = False

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = TestClickStatements(database.engine.dialect)

    def needed_ids(self, records: Sequence[TestClick]) -> Mapping[str, int]:
        return {TEST_EVENTS: len(records)}

    def numbers(self, records: Sequence[TestClick], take: TakeIds) -> Sequence[int]:
        return take(TEST_EVENTS, len(records))

    def pending(self, records: Sequence[TestClick], numbers: Sequence[int]) -> Sequence[PendingTestClick]:
        return [PendingTestClick(click, id) for click, id in zip(records, numbers, strict=True)]

    async def find_committed(self, connection: WriteConnection, entries: Sequence[PendingTestClick]) -> None:
        keys = [(entry.id,) for entry in entries]
        found = {id for (id,) in await connection.fetch(self._statements.find, keys)}
        for entry in entries:
            entry.outcome = entry.id if entry.id in found else None

    async def write(
        self, connection: WriteConnection, entries: Sequence[PendingTestClick], *, one_by_one: bool
    ) -> Sequence[StatementRows]:
        entries = [entry for entry in entries if entry.outcome is None]
        if not one_by_one:
            return (self._insert(entries),)
        for entry in entries:
            if (error := await refusal(self._database, connection, self._insert([entry]))) is not None:
                await self.find_committed(connection, [entry])
                entry.outcome = entry.outcome or error
        return ()

    def _insert(self, entries: Sequence[PendingTestClick]) -> StatementRows:
        for entry in entries:
            entry.outcome = entry.id
        return self._statements.insert, [entry.row for entry in entries]

    async def probe(self, connection: WriteConnection, shift: ShiftIds) -> None:
        id = await shift(TEST_EVENTS, 1)
        entry = PendingTestClick(TestClick(datetime.now(UTC), None, PROBE_URL, VisitRecord()), id)
        await connection.execute(self._insert([entry]))
