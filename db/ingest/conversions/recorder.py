"""Records leads, sales and refunds: reads the rows that they depend on, decides their outcomes in order, and writes
the changes.

Locks are taken in the same order everywhere: customers, sales, commissions, new rows, links, memberships, sums, each
sorted. When two gateways insert the same transaction id or customer key, a unique index stops the slower one. It then
records its batch one by one, and reads what the other one wrote.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select

from db.engine.backend.protocol import Database, WriteConnection
from db.ingest.conversions.changes import Changes, Tallies
from db.ingest.conversions.decisions import Decider
from db.ingest.conversions.identification import customer_of
from db.ingest.conversions.pending_conversions import PendingConversion
from db.ingest.conversions.reader import ConversionReader
from db.ingest.conversions.records import NewLead, NewRefund, NewSale
from db.ingest.conversions.state import ConversionState, CustomerState
from db.ingest.conversions.write_statements import ConversionStatements
from db.ingest.id_blocks import COMMISSIONS, LEADS, REFUNDS, SALES
from db.ingest.recordable import ShiftIds, TakeIds
from db.ingest.savepoints import refusal_in
from db.schema.customers import Customer
from db.sql.batch_statements import StatementRows
from db.sql.compiled_queries import CompiledQuery

# A refused conversion is tried again, since another gateway may have committed what it conflicts with.
TRIES = 3
BLOCKS = {NewLead: LEADS, NewSale: SALES, NewRefund: REFUNDS}
# Every index of these tables begins with the program. Without statistics, which autovacuum gathers after a minute at
# most, PostgreSQL's planner takes that for selective, and each look-up would read all of a program's sales.
GATHER_STATISTICS = """DO $$ BEGIN
    IF (SELECT reltuples < 10000 FROM pg_class WHERE oid = 'affiliate_sales'::regclass) THEN
        ANALYZE affiliate_lead_events, affiliate_sales, affiliate_refunds, commissions;
    END IF;
END $$"""
ANY_CUSTOMER = CompiledQuery(select(Customer.program_id, Customer.click_id, Customer.last_click_at).limit(1))


class ConversionRecorder:
    """The `Recorder` of leads, sales and refunds on one database. Its only state is the number of batches."""

    records = (NewLead, NewSale, NewRefund)
    needs_transaction = True

    def __init__(self, database: Database) -> None:
        dialect = database.engine.dialect
        self._database = database
        self._reader = ConversionReader(dialect)
        self._statements = ConversionStatements(dialect)
        self._gathers_statistics = dialect.name == "postgresql"
        self._batches = 0

    def needed_ids(self, records: Sequence[NewLead | NewSale | NewRefund]) -> Mapping[str, int]:
        needed: dict[str, int] = {}
        for record in records:
            block = BLOCKS[type(record)]
            needed[block] = needed.get(block, 0) + 1
            if block != REFUNDS:
                needed[COMMISSIONS] = needed.get(COMMISSIONS, 0) + 1
        return needed

    def numbers(self, records: Sequence[NewLead | NewSale | NewRefund], take: TakeIds) -> Sequence[tuple[int, int]]:
        ids = {block: iter(take(block, count)) for block, count in self.needed_ids(records).items()}
        return [
            (next(ids[BLOCKS[type(record)]]), 0 if isinstance(record, NewRefund) else next(ids[COMMISSIONS]))
            for record in records
        ]

    def pending(
        self, records: Sequence[NewLead | NewSale | NewRefund], numbers: Sequence[tuple[int, int]]
    ) -> Sequence[PendingConversion]:
        return [PendingConversion(record, *ids) for record, ids in zip(records, numbers, strict=True)]

    async def find_committed(self, connection: WriteConnection, entries: Sequence[PendingConversion]) -> None:
        await self._reader.find_recorded(connection, entries)

    async def write(
        self, connection: WriteConnection, entries: Sequence[PendingConversion], *, one_by_one: bool
    ) -> Sequence[StatementRows]:
        waiting = [entry for entry in entries if entry.outcome is None]
        self._batches += 1
        if self._gathers_statistics and self._batches.bit_count() == 1:
            await connection.command(GATHER_STATISTICS)  # before any row is locked
        if not one_by_one:
            return await self.work(connection, waiting)
        tallies = Tallies()
        for entry in waiting:
            await self._write_alone(connection, entry, tallies)
        return self._statements.of_tallies(tallies)

    async def work(self, connection: WriteConnection, entries: Sequence[PendingConversion]) -> Sequence[StatementRows]:
        """Give entries their outcomes; return the work that records them and appends them to the outbox."""
        state, changes = await self._decided(connection, entries)
        return (*self._statements.of_changes(state, changes), *self._statements.of_tallies(changes.tallies))

    async def _write_alone(self, connection: WriteConnection, entry: PendingConversion, tallies: Tallies) -> None:
        """Write one conversion and add its tallies. If the database keeps refusing it, the error is its outcome."""

        async def write() -> None:
            state, changes = await self._decided(connection, [entry])
            await connection.execute(*self._statements.of_changes(state, changes))
            tallies.add(changes.tallies)

        for _ in range(TRIES):
            error = await refusal_in(self._database, connection, write)
            if error is None:
                return
        entry.outcome = error

    async def _decided(
        self, connection: WriteConnection, entries: Sequence[PendingConversion]
    ) -> tuple[ConversionState, Changes]:
        """Set the outcomes of entries, each by the state that those before it left, and return the changes to write."""
        state = await self._reader.read(connection, [entry.record for entry in entries])
        decider = Decider(state, changes := Changes())
        for entry in entries:
            record = entry.record
            if isinstance(record, NewRefund):
                entry.outcome = decider.refund(entry, record)
                continue
            # A conversion earlier in the batch may have given its key to this customer.
            if isinstance(customer := customer_of(state, record), CustomerState):
                await self._reader.complete(connection, state, [(record, customer)])
            if isinstance(record, NewLead):
                entry.outcome = decider.lead(entry, record)
            else:
                entry.outcome = decider.sale(entry, record)
        await self._reader.number(connection, changes.commissions)
        return state, changes

    async def probe(self, connection: WriteConnection, shift: ShiftIds) -> None:
        """Record a sale of any customer and its refund, if there is a customer."""
        for program_id, click_id, clicked_at in await connection.read(ANY_CUSTOMER, {}):
            transaction_id, at = uuid4().hex, datetime.now(UTC)
            sale = NewSale(at, program_id, transaction_id, 1, click_id=click_id, occurred_at=clicked_at)
            refund = NewRefund(at, program_id, transaction_id)
            ids = await shift(COMMISSIONS, 1)
            entries = (
                PendingConversion(sale, await shift(SALES, 1), ids),
                PendingConversion(refund, await shift(REFUNDS, 1), 0),
            )
            await connection.execute(*await self.write(connection, entries, one_by_one=False))
