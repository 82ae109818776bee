"""Records clicks: which are replays, which customers return, what is inserted and counted.

Locks are taken in the same order everywhere: event ids, customers, links, memberships, each sorted.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select

from db.engine.backend.protocol import Database, WriteConnection
from db.ingest.clicks.pending_clicks import PendingClick, inserted_ranges
from db.ingest.clicks.records import Click, Receipt, VisitRecord
from db.ingest.clicks.sqlite_trigger import first_click, later_click
from db.ingest.clicks.statements import ClickStatements
from db.ingest.id_blocks import CUSTOMERS, EVENTS
from db.ingest.recordable import PROBE_URL, ShiftIds, TakeIds
from db.ingest.savepoints import refusal
from db.schema.links import ReferralLink
from db.sql.batch_statements import RowValues, StatementRows
from db.sql.compiled_queries import CompiledQuery

ANY_LINK = CompiledQuery(
    select(ReferralLink.id, ReferralLink.program_id, ReferralLink.partner_id)
    .where(ReferralLink.program_id.is_not(None), ReferralLink.partner_id.is_not(None))
    .limit(1)
)


class ClickRecorder:
    """The `Recorder` of clicks on one database."""

    records = (Click,)
    needs_transaction = False

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.engine.dialect
        self._statements = ClickStatements(dialect)
        self._whole_clicks = (first_click(dialect), later_click(dialect)) if dialect.name == "sqlite" else None

    def needed_ids(self, records: Sequence[Click]) -> Mapping[str, int]:
        return {EVENTS: len(records), CUSTOMERS: len(records)}

    def numbers(self, records: Sequence[Click], take: TakeIds) -> Sequence[tuple[int, int]]:
        return list(zip(take(EVENTS, len(records)), take(CUSTOMERS, len(records)), strict=True))

    def pending(self, records: Sequence[Click], numbers: Sequence[tuple[int, int]]) -> Sequence[PendingClick]:
        return [PendingClick(click, id, customer_id) for click, (id, customer_id) in zip(records, numbers, strict=True)]

    async def find_committed(self, connection: WriteConnection, entries: Sequence[PendingClick]) -> None:
        keys = [(entry.click.program_id, entry.id) for entry in entries]
        rows = await connection.fetch(self._statements.find_event, keys)
        receipts = {id: Receipt(click_id, link_id) for _, _, id, click_id, link_id in rows}
        for entry in entries:
            entry.outcome = receipts.get(entry.id)

    async def write(
        self, connection: WriteConnection, entries: Sequence[PendingClick], *, one_by_one: bool
    ) -> Sequence[StatementRows]:
        fresh = await self._without_replays(connection, [entry for entry in entries if entry.outcome is None])
        await self._find_customers(connection, fresh)
        if self._whole_clicks is None or connection.is_in_transaction:
            fresh.sort(key=lambda entry: (entry.click.program_id, entry.click.visit.event_id or "", entry.id))
            inserts = await self._insert_one_by_one(connection, fresh) if one_by_one else self._inserts(fresh)
            work = (*inserts, *self._updates([entry for entry in fresh if entry.inserted]))
        else:
            _note_inserted(fresh)
            # In the order of their ids, so that the latest click decides about a customer who returns several times.
            first, later = self._whole_clicks
            work = (
                (first, [entry.event_row for entry in fresh if entry.is_new_customer]),
                (later, [entry.event_row for entry in fresh if not entry.is_new_customer]),
            )
        _settle_replays(entries)
        return (*work, (self._statements.append_range, inserted_ranges(entries)))

    async def probe(self, connection: WriteConnection, shift: ShiftIds) -> None:
        """Record a click of a new customer, and another one of the same, for any link; without a link, nothing."""
        for link_id, program_id, partner_id in await connection.read(ANY_LINK, {}):
            event_id, customer_id = await shift(EVENTS, 2), await shift(CUSTOMERS, 2)
            known = None
            for number in range(2):
                visit = VisitRecord(
                    event_id=uuid4().hex, existing_click_id=known, page_url=PROBE_URL, page_title="A page's title"
                )
                click = Click(datetime.now(UTC), program_id, link_id, partner_id, PROBE_URL, visit)
                entry = PendingClick(click, event_id + number, customer_id + number)
                work = await self.write(connection, [entry], one_by_one=False)
                await connection.execute(*work)
                known = entry.click_id

    async def _insert_one_by_one(
        self, connection: WriteConnection, entries: Sequence[PendingClick]
    ) -> Sequence[StatementRows]:
        """Insert what is not refused; return that nothing is left to insert."""
        for entry in entries:
            if (error := await refusal(self._database, connection, *self._inserts([entry]))) is not None:
                entry.inserted, entry.outcome = False, None
                await self._find_recorded(connection, entry)
                entry.outcome = entry.outcome or error
        return ()

    async def _without_replays(
        self, connection: WriteConnection, entries: Sequence[PendingClick]
    ) -> list[PendingClick]:
        """Settle those whose `event_id` is recorded already; of several with the same one, only the first is left."""
        first: dict[tuple[int, str] | int, PendingClick] = {}
        for entry in entries:
            first.setdefault(entry.replay_key or entry.id, entry)
        if keys := [key for key in first if isinstance(key, tuple)]:
            for program_id, event_id, _, click_id, link_id in await connection.fetch(
                self._statements.find_replay, keys
            ):
                first.pop((program_id, event_id)).outcome = Receipt(click_id, link_id, replayed=True)
        return list(first.values())

    async def _find_customers(self, connection: WriteConnection, entries: Sequence[PendingClick]) -> None:
        """Tell each entry its customer: the one that `existing_click_id` names in the program, or a new one."""
        keys = {key for entry in entries if (key := entry.returning_key) is not None}
        rows = await connection.fetch(self._statements.find_customer, sorted(keys)) if keys else ()
        known = {(program_id, click_id): id for program_id, click_id, id in rows}
        for entry in entries:
            named = entry.click.visit.existing_click_id
            if named is not None and (id := known.get((entry.click.program_id, named))) is not None:
                entry.is_from(id, named)
            else:
                entry.is_first()

    def _inserts(self, entries: Sequence[PendingClick]) -> Sequence[StatementRows]:
        """Return what inserts events, and first their customers where they are new: nobody else can wait for those."""
        _note_inserted(entries)
        return (
            (self._statements.insert_customer, [entry.customer_row for entry in entries if entry.is_new_customer]),
            (self._statements.insert_event, [entry.event_row for entry in entries]),
        )

    async def _find_recorded(self, connection: WriteConnection, entry: PendingClick) -> None:
        """Settle a refused click that is there already: under its own id, where an earlier try was committed after
        all, or under its `event_id`, where another gateway was faster."""
        await self.find_committed(connection, [entry])
        if entry.outcome is None:
            await self._without_replays(connection, [entry])

    def _updates(self, entries: Sequence[PendingClick]) -> Sequence[StatementRows]:
        """Return what follows from recorded clicks: customers who return know their latest one (the last partner wins),
        and links and memberships count theirs."""
        returning = [entry for entry in entries if not entry.is_new_customer]
        latest = {
            (entry.click.program_id, entry.customer_id): (
                entry.click.partner_id,
                entry.click.link_id,
                entry.click.received_at,
            )
            for entry in sorted(returning, key=lambda entry: (entry.click.received_at, entry.id))
        }
        clicks = [entry.click for entry in entries]
        memberships = _sums(((click.program_id, click.partner_id), click.received_at) for click in clicks)
        return (
            (self._statements.return_customer, [key + values for key, values in sorted(latest.items())]),
            (self._statements.count_link, _sums(((click.link_id,), click.received_at) for click in clicks)),
            (self._statements.count_membership, memberships),
        )


def _note_inserted(entries: Iterable[PendingClick]) -> None:
    for entry in entries:
        entry.inserted, entry.outcome = True, Receipt(entry.click_id, entry.click.link_id)


def _sums(clicks: Iterable[tuple[RowValues, datetime]]) -> Sequence[RowValues]:
    """Return, for each counter's key, in order: the key, how many clicks, and when the latest was."""
    sums: dict[RowValues, tuple[int, datetime]] = {}
    for key, at in clicks:
        count, latest = sums.get(key, (0, at))
        sums[key] = count + 1, at if at > latest else latest
    return [key + sums[key] for key in sorted(sums)]


def _settle_replays(entries: Iterable[PendingClick]) -> None:
    """Give the clicks that repeat an `event_id` within the batch the outcome of the first with it."""
    first: dict[tuple[int, str], Receipt | Exception] = {}
    for entry in entries:
        if (key := entry.replay_key) is None:
            continue
        if entry.outcome is not None:
            first.setdefault(key, entry.outcome)
        elif isinstance(outcome := first[key], Receipt):
            entry.outcome = Receipt(outcome.click_id, outcome.link_id, replayed=True)
        else:
            entry.outcome = outcome
