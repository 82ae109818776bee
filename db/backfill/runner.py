"""Fills in the derived fields of clicks that were recorded before there were such fields, while clicks are recorded.

A portion of clicks and the new position are one transaction, so that a process that is killed leaves nothing half done,
and any process goes on where it was. Filling in the same clicks twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic, perf_counter

from db.backfill.state import UnfilledClicks, unfilled_clicks
from db.backfill.statements import FIELDS, FIND_CLICKS, FIND_NEXT, FIND_PROGRAM, BackfillStatements
from db.engine.backend.protocol import WriteConnection
from db.engine.schema_fence import hold_schema
from db.engine.store import Store
from db.errors import DatabaseUnavailable, SchemaOutdated
from db.sql.batch_statements import RowValues, StatementRows
from db.tasks import end

logger = logging.getLogger(__name__)

# How often an idle gateway looks whether there is anything to fill in, as after a backup was restored.
IDLE_SECONDS = 5
RETRY_SECONDS = 1
# On SQLite, clicks wait while a portion is written: five milliseconds.
PORTION_CLICKS = 250
# Deriving the fields of so many takes half a millisecond, during which no request is answered.
SLICE_CLICKS = 50
# Rests between portions take twice as long as the portions, so that clicks have most of the database's time.
REST_FACTOR = 2
# PostgreSQL ends a session that idles in a transaction for longer.
PORTION_SECONDS = 30
LOG_SECONDS = 60

Derive = Callable[[str, str | None, str | None], Mapping[str, str | None]]
"""Takes a click's `affiliate_url`, `page_url` and `referrer_host`; returns its derived fields by name."""


class BackfillRunner:
    """Fills in clicks until none is left, and looks for more every few seconds. Several gateways may do so at once."""

    def __init__(self, store: Store, derive: Derive, *, portion_clicks: int = PORTION_CLICKS) -> None:
        self._store = store
        self._derive = derive
        self._portion_clicks = portion_clicks
        self._statements: BackfillStatements | None = None
        self._connection: WriteConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._filled = 0
        self._is_needed = False
        """Whether there were unfilled clicks when this was last known."""
        self._logged_at: float | None = None
        """When progress was last logged; None while there is nothing to do."""

    def start(self) -> None:
        """Fill in clicks from now on."""
        self._task = asyncio.create_task(self._run(), name="backfill")

    async def close(self) -> None:
        """Stop, and close the connection. The next gateway goes on with what is left."""
        if self._task is not None:
            await end(self._task)
        await self._disconnect()

    async def run_once(self) -> bool:
        """Fill in a portion; return whether this process may go on with another. Raises `DatabaseUnavailable`."""
        try:
            with self._store.outages():
                async with asyncio.timeout(PORTION_SECONDS):
                    return await self._fill_portion()
        except BaseException:
            await self._disconnect()
            raise

    async def _run(self) -> None:
        is_failing = False
        while True:
            try:
                await self._run_all()
                is_failing = False
            except Exception as error:
                is_outage = isinstance(error, DatabaseUnavailable | SchemaOutdated)
                if not is_failing and (self._is_needed or not is_outage):  # once, not every second
                    logger.warning("older clicks are not filled in: %s", error, exc_info=not is_outage)
                is_failing = True
            await asyncio.sleep(RETRY_SECONDS if is_failing else IDLE_SECONDS)

    async def _run_all(self) -> None:
        """Fill in all clicks that no other process is at."""
        while clicks := await self._unfilled():
            self._is_needed = True
            started = perf_counter()
            if not await self.run_once():
                return
            self._log_progress(sum(unfilled.clicks_left for unfilled in clicks))
            await asyncio.sleep(REST_FACTOR * (perf_counter() - started))
        self._is_needed = False
        if self._logged_at is not None:
            logger.info("all older clicks are filled in")
            self._logged_at = None
            await self._disconnect()

    async def _unfilled(self) -> Collection[UnfilledClicks]:
        with self._store.outages():
            return (await unfilled_clicks(self._store.database)).values()

    def _log_progress(self, left: int) -> None:
        now = monotonic()
        if self._logged_at is None:
            logger.info("filling in the fields that about %d older clicks lack, while clicks are recorded", left)
            self._filled = 0
        elif now - self._logged_at < LOG_SECONDS:
            return
        else:
            logger.info("%d older clicks are filled in, about %d are left", self._filled, left)
        self._logged_at = now

    async def _fill_portion(self) -> bool:
        # Hardly any gateway needs them.
        statements = self._statements = self._statements or BackfillStatements(self._store.database.engine.dialect)
        connection = self._connection = self._connection or await self._store.database.connect_writer()
        if self._store.is_sqlite:
            # Other writers wait only while the fields are written, not while they are derived.
            if (portion := await self._read(connection)) is None:
                return False
            work = await self._work(statements, *portion)
            async with self._store.turn():
                await connection.commit(*work)
        else:
            await connection.begin()
            # A newer version of clickgate, which may derive something else, may have upgraded the schema.
            await hold_schema(connection, statements.find_revision)
            if (portion := await self._read(connection)) is None:
                await connection.rollback()
                return False
            await connection.commit(*await self._work(statements, *portion))
        self._filled += len(portion[1])
        return True

    async def _read(self, connection: WriteConnection) -> tuple[UnfilledClicks, Sequence[RowValues]] | None:
        """Read the next unfilled clicks of a program; None if there is none, or if another process is at it."""
        following = await connection.read(FIND_NEXT, {})
        found = following and await connection.read(FIND_PROGRAM, {"program": following[0][0]})
        if not found:
            return None
        unfilled = UnfilledClicks(*found[0])
        values = {"program": unfilled.program_id, "filled_to": unfilled.filled_to, "last": unfilled.last_id}
        return unfilled, await connection.read(FIND_CLICKS, {**values, "clicks": self._portion_clicks})

    async def _work(
        self, statements: BackfillStatements, unfilled: UnfilledClicks, clicks: Sequence[RowValues]
    ) -> Sequence[StatementRows]:
        """Return the statements that fill in clicks of a program, and note how far that is done."""
        rows: list[RowValues] = []
        for number, (id, *sources) in enumerate(clicks, 1):
            fields = self._derive(*sources)
            rows.append((unfilled.program_id, id, *(fields[name] for name in FIELDS)))
            if not number % SLICE_CLICKS:
                await asyncio.sleep(0)
        before = (unfilled.program_id, unfilled.filled_to)
        if len(clicks) < self._portion_clicks:
            return (statements.fill, rows), (statements.finish, [before])
        return (statements.fill, rows), (statements.move, [(*before, clicks[-1][0], len(clicks))])

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()
