"""A write like a click's, undone: the only question whose answer says that a click would be recorded.

It runs on the click writer's own connection and inserts, counts and reserves what a click and a test click would, on
the same tables and pages, so that it meets whatever they would meet: a lock, a revoked permission, a damaged page, a
missing table. Then it undoes all of that and commits a change that leaves everything as it was, so that a full disk
shows. Without any link, it proves what can be proven: that ids can be reserved, and a test click recorded.
"""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import BigInteger, Dialect, bindparam, select, update

from db.engine.backend.protocol import WriteConnection
from db.ingest.clicks.entries import Entry, TestEntry
from db.ingest.clicks.recorder import Batch
from db.ingest.clicks.records import Click, TestClick, VisitRecord
from db.schema.id_blocks import IdBlock
from db.schema.links import ReferralLink
from db.sql.batch_statements import compiled
from db.sql.compiled_queries import CompiledQuery

# Rows are locked for milliseconds; whatever holds a lock longer holds clicks up, too.
LOCK_SECONDS = 1
URL = "https://clickgate.invalid/"
ANY_LINK = CompiledQuery(
    select(ReferralLink.id, ReferralLink.program_id, ReferralLink.partner_id)
    .where(ReferralLink.program_id.is_not(None), ReferralLink.partner_id.is_not(None))
    .limit(1)
)


class Probe:
    """Tries what a batch does on one connection, and leaves nothing behind."""

    def __init__(self, dialect: Dialect, batch: Batch) -> None:
        shift = update(IdBlock).where(IdBlock.name == bindparam("kind"))
        shift = shift.values(next_id=IdBlock.next_id + bindparam("size", type_=BigInteger))
        self._shift = compiled(dialect, shift.returning(IdBlock.next_id), ("kind", "size"))
        self._batch = batch

    async def run(self, connection: WriteConnection) -> None:
        """Return if clicks can be recorded now. Raises what the driver does, in an open transaction."""
        await connection.begin(LOCK_SECONDS)
        await connection.command("SAVEPOINT probe")
        now = datetime.now(UTC)
        # Rows that are locked here keep other gateways from reserving, and so from taking, the same ids meanwhile.
        test_id = await self._shifted(connection, "click_test_events", 1) - 1
        test = TestEntry(TestClick(None, now, URL, VisitRecord()), test_id)
        await connection.execute(*await self._batch.write_tests(connection, [test], one_by_one=False))
        for link_id, program_id, partner_id in await connection.read(ANY_LINK, {}):
            await self._record(connection, link_id, program_id, partner_id, now)
        await connection.command("ROLLBACK TO SAVEPOINT probe")
        # Two changes: what stays the same need not be written at all.
        await self._shifted(connection, "click_events", 1)
        await self._shifted(connection, "click_events", -1)
        await connection.commit()

    async def _record(
        self, connection: WriteConnection, link_id: int, program_id: int, partner_id: int, now: datetime
    ) -> None:
        """Record a click of a new customer, and another one of the same."""
        event_id = await self._shifted(connection, "click_events", 2) - 2
        customer_id = await self._shifted(connection, "customers", 2) - 2
        known = None
        for number in range(2):
            visit = VisitRecord(
                event_id=uuid4().hex, existing_click_id=known, page_url=URL, page_title="A page's title"
            )
            click = Click(program_id, link_id, partner_id, now, URL, visit)
            entry = Entry(click, event_id + number, customer_id + number)
            await connection.execute(
                *await self._batch.write(connection, [entry], in_transaction=True, one_by_one=False)
            )
            known = entry.click_id

    async def _shifted(self, connection: WriteConnection, kind: str, size: int) -> int:
        """Move where the next block of ids begins, and return that."""
        ((next_id,),) = await connection.fetch(self._shift, [(kind, size)])
        return int(next_id)
