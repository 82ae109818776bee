"""Records leads and sales sent in test mode, which nothing refers to and nothing counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Dialect, bindparam, insert, select

from db.engine.backend.protocol import Database, WriteConnection
from db.ingest.conversions.records import TestConversion
from db.ingest.id_blocks import TEST_CONVERSIONS
from db.ingest.recordable import ShiftIds, TakeIds
from db.ingest.savepoints import refusal
from db.schema.conversions import ConversionTestEvent
from db.sql.batch_statements import RowValues, StatementRows, compiled


@dataclass(slots=True)
class PendingTestConversion:
    """A test conversion in a batch: the id reserved for it, which becomes its outcome."""

    conversion: TestConversion
    id: int
    outcome: int | Exception | None = None

    @property
    def row(self) -> RowValues:
        conversion = self.conversion
        return self.id, conversion.program_id, conversion.kind, conversion.body, conversion.received_at


class TestConversionStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        found = select(ConversionTestEvent.id).where(ConversionTestEvent.id == bindparam("row"))
        self.find = compiled(dialect, found, ("row",))
        columns = ("id", "program_id", "kind", "body", "created_at")
        self.add = compiled(dialect, insert(ConversionTestEvent).inline(), columns)


class TestConversionRecorder:
    """The `Recorder` of test conversions on one database."""

    records = (TestConversion,)
    needs_transaction = False

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = TestConversionStatements(database.engine.dialect)

    def needed_ids(self, records: Sequence[TestConversion]) -> Mapping[str, int]:
        return {TEST_CONVERSIONS: len(records)}

    def numbers(self, records: Sequence[TestConversion], take: TakeIds) -> Sequence[int]:
        return take(TEST_CONVERSIONS, len(records))

    def pending(self, records: Sequence[TestConversion], numbers: Sequence[int]) -> Sequence[PendingTestConversion]:
        return [PendingTestConversion(conversion, id) for conversion, id in zip(records, numbers, strict=True)]

    async def find_committed(self, connection: WriteConnection, entries: Sequence[PendingTestConversion]) -> None:
        found = {id for (id,) in await connection.fetch(self._statements.find, [(entry.id,) for entry in entries])}
        for entry in entries:
            entry.outcome = entry.id if entry.id in found else None

    async def write(
        self,
        connection: WriteConnection,
        entries: Sequence[PendingTestConversion],
        *,
        one_by_one: bool,
    ) -> Sequence[StatementRows]:
        entries = [entry for entry in entries if entry.outcome is None]
        if not one_by_one:
            return (self._add(entries),)
        for entry in entries:
            if (error := await refusal(self._database, connection, self._add([entry]))) is not None:
                await self.find_committed(connection, [entry])
                entry.outcome = entry.outcome or error
        return ()

    def _add(self, entries: Sequence[PendingTestConversion]) -> StatementRows:
        for entry in entries:
            entry.outcome = entry.id
        return self._statements.add, [entry.row for entry in entries]

    async def probe(self, connection: WriteConnection, shift: ShiftIds) -> None:
        id = await shift(TEST_CONVERSIONS, 1)
        entry = PendingTestConversion(TestConversion(datetime.now(UTC), None, "sale", "{}"), id)
        await connection.execute(self._add([entry]))
