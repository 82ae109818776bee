"""One batch of clicks in one transaction: which are replays, which customers return, what is inserted and counted.

Every gateway takes its locks in the same order (event ids, customers, links, memberships, each sorted), so that two
of them never wait for each other in a circle. Last, it appends what it
inserted to the outbox.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from db.engine.backend.protocol import Database, Fault, WriteConnection
from db.engine.redaction import described
from db.errors import RowRefused
from db.ingest.clicks.entries import Entry, TestEntry, inserted_ranges
from db.ingest.clicks.records import Receipt
from db.ingest.clicks.statements import ClickStatements
from db.sql.batch_statements import RowValues, StatementRows


class Batch:
    """Writes batches on one database; holds no state between them. Opens and ends no transaction itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = ClickStatements(database.engine.dialect)

    async def find_committed(
        self, connection: WriteConnection, entries: Sequence[Entry], tests: Sequence[TestEntry] = ()
    ) -> None:
        """Give their outcomes to the entries that are recorded already: an earlier try, whose answer got lost, was
        committed after all."""
        keys = [(entry.click.program_id, entry.id) for entry in entries]
        rows = await connection.fetch(self._statements.find_event, keys)
        receipts = {id: Receipt(click_id, link_id) for _, _, id, click_id, link_id in rows}
        for entry in entries:
            entry.outcome = receipts.get(entry.id)
        found = {id for (id,) in await connection.fetch(self._statements.find_test_event, [(t.id,) for t in tests])}
        for test in tests:
            test.outcome = test.id if test.id in found else None

    async def write(
        self, connection: WriteConnection, entries: Sequence[Entry], *, in_transaction: bool, one_by_one: bool
    ) -> Sequence[StatementRows]:
        """Give the clicks that have no outcome yet their own, and return what records them.

        A row that the database refuses fails the whole transaction, unless they go `one_by_one`: then the events are
        inserted at once, that click's outcome is the error, and the others are recorded. `in_transaction` tells that
        one is open.
        """
        fresh = await self._without_replays(connection, [entry for entry in entries if entry.outcome is None])
        await self._find_customers(connection, fresh)
        if self._statements.record is not None and not in_transaction:
            _note_inserted(fresh)
            rows = [(entry.is_new_customer, *entry.event_row) for entry in fresh]  # the latest click comes last
            work: Sequence[StatementRows] = ((self._statements.record, rows),)
        else:
            fresh.sort(key=lambda entry: (entry.click.program_id, entry.click.visit.event_id or "", entry.id))
            inserts = await self._insert_one_by_one(connection, fresh) if one_by_one else self._inserts(fresh)
            work = (*inserts, *self._updates([entry for entry in fresh if entry.inserted]))
        _settle_replays(entries)
        return (*work, (self._statements.append_range, inserted_ranges(entries)))

    async def write_tests(
        self, connection: WriteConnection, entries: Sequence[TestEntry], *, one_by_one: bool
    ) -> Sequence[StatementRows]:
        """Give the test clicks that have no outcome yet their own, and return what records them, as `write` does."""
        entries = [entry for entry in entries if entry.outcome is None]
        if one_by_one:
            for entry in entries:
                if (error := await self._refusal(connection, self._insert_tests([entry]))) is not None:
                    entry.outcome = None
                    await self.find_committed(connection, [], [entry])
                    entry.outcome = entry.outcome or error
            return ()
        return (self._insert_tests(entries),)

    async def _insert_one_by_one(
        self, connection: WriteConnection, entries: Sequence[Entry]
    ) -> Sequence[StatementRows]:
        """Insert what is not refused; return that nothing is left to insert."""
        for entry in entries:
            if (error := await self._refusal(connection, *self._inserts([entry]))) is not None:
                entry.inserted, entry.outcome = False, None
                await self._find_recorded(connection, entry)
                entry.outcome = entry.outcome or error
        return ()

    async def _refusal(self, connection: WriteConnection, *inserts: StatementRows) -> Exception | None:
        """Insert so that the transaction goes on if the database refuses the row; then return the error."""
        refused = None
        await connection.command("SAVEPOINT one_row")
        try:
            await connection.execute(*inserts)
        except Exception as error:
            if self._database.fault(error) is not Fault.ROW:
                raise
            await connection.command("ROLLBACK TO SAVEPOINT one_row")
            refused = RowRefused(described(error)).with_traceback(error.__traceback__)
        await connection.command("RELEASE SAVEPOINT one_row")
        return refused

    async def _without_replays(self, connection: WriteConnection, entries: Sequence[Entry]) -> list[Entry]:
        """Settle those whose `event_id` is recorded already; of several with the same one, only the first is left."""
        first: dict[tuple[int, str] | int, Entry] = {}
        for entry in entries:
            first.setdefault(entry.replay_key or entry.id, entry)
        if keys := [key for key in first if isinstance(key, tuple)]:
            for program_id, event_id, _, click_id, link_id in await connection.fetch(
                self._statements.find_replay, keys
            ):
                first.pop((program_id, event_id)).outcome = Receipt(click_id, link_id, replayed=True)
        return list(first.values())

    async def _find_customers(self, connection: WriteConnection, entries: Sequence[Entry]) -> None:
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

    def _inserts(self, entries: Sequence[Entry]) -> Sequence[StatementRows]:
        """Return what inserts events, and first their customers where they are new: nobody else can wait for those."""
        _note_inserted(entries)
        return (
            (self._statements.insert_customer, [entry.customer_row for entry in entries if entry.is_new_customer]),
            (self._statements.insert_event, [entry.event_row for entry in entries]),
        )

    def _insert_tests(self, entries: Sequence[TestEntry]) -> StatementRows:
        for entry in entries:
            entry.outcome = entry.id
        return self._statements.insert_test_event, [entry.row for entry in entries]

    async def _find_recorded(self, connection: WriteConnection, entry: Entry) -> None:
        """Settle a refused click that is there already: under its own id, where an earlier try was committed after
        all, or under its `event_id`, where another gateway was faster."""
        await self.find_committed(connection, [entry])
        if entry.outcome is None:
            await self._without_replays(connection, [entry])

    def _updates(self, entries: Sequence[Entry]) -> Sequence[StatementRows]:
        """Return what follows from recorded clicks: customers who return know their latest one (the last partner wins),
        and links and memberships count theirs."""
        returning = [entry for entry in entries if not entry.is_new_customer]
        latest = {
            (entry.click.program_id, entry.customer_id): (
                entry.click.partner_id,
                entry.click.link_id,
                entry.click.occurred_at,
            )
            for entry in sorted(returning, key=lambda entry: (entry.click.occurred_at, entry.id))
        }
        clicks = [entry.click for entry in entries]
        memberships = _sums(((click.program_id, click.partner_id), click.occurred_at) for click in clicks)
        return (
            (self._statements.return_customer, [key + values for key, values in sorted(latest.items())]),
            (self._statements.count_link, _sums(((click.link_id,), click.occurred_at) for click in clicks)),
            (self._statements.count_membership, memberships),
        )


def _note_inserted(entries: Iterable[Entry]) -> None:
    for entry in entries:
        entry.inserted, entry.outcome = True, Receipt(entry.click_id, entry.click.link_id)


def _sums(clicks: Iterable[tuple[RowValues, datetime]]) -> Sequence[RowValues]:
    """Return, for each counter's key, in order: the key, how many clicks, and when the latest was."""
    sums: dict[RowValues, tuple[int, datetime]] = {}
    for key, at in clicks:
        count, latest = sums.get(key, (0, at))
        sums[key] = count + 1, at if at > latest else latest
    return [key + sums[key] for key in sorted(sums)]


def _settle_replays(entries: Iterable[Entry]) -> None:
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
