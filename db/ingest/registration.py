"""A running writer's row on PostgreSQL, with which clients can follow the clicks of several gateways and miss none.

The row holds the writer's watermarks: it commits no more events from before a time, and none below an id. Readers show
what lies before the watermarks of all rows, see `db.sql.commit_horizon`. Other writers remove the row of a writer that
they presume dead, and an upgrade of the schema removes all rows. A writer whose row is gone cannot commit until it has
registered again: see `WriteConnection.fence`.
"""

from time import monotonic
from typing import Any

from sqlalchemy import BigInteger, Boolean, TextClause, bindparam, column, text
from sqlalchemy.sql.selectable import TextualSelect

from db.engine.backend.protocol import Database, WriteConnection
from db.engine.schema_fence import check_revision
from db.errors import SchemaOutdated
from db.ingest.id_blocks import EVENTS, IdBlocks
from db.ingest.months import IS_PREPARED, THIS_MONTH, MonthKeeper, MonthNow
from db.ingest.watermark import Watermark
from db.ingest.writer_rows import REMOVE_FOUND
from db.schema.columns import MICROSECOND, UtcDateTime
from db.sql.compiled_queries import CompiledQuery

# How long the row of a dead gateway delays clients that follow the clicks. A live one renews its row twice a second.
DEAD_SECONDS = 5
REAP_SECONDS = 2

_NEXT_ID = f"(SELECT next_id FROM id_blocks WHERE name = '{EVENTS}')"  # noqa: S608  our own name


def _query(sql: str, **columns: Any) -> CompiledQuery:
    """Return a query with the types of its parameters and of the columns that it returns."""
    clause: TextClause = text(sql)
    types: dict[str, Any] = {"moment": UtcDateTime(), "writer": BigInteger(), "first_id": BigInteger()}
    clause = clause.bindparams(*(bindparam(name, type_=type) for name, type in types.items() if f":{name}" in sql))
    returned: TextualSelect = clause.columns(*(column(name, type) for name, type in columns.items()))
    return CompiledQuery(returned)


# Until a new writer knows the latest watermark, it holds readers back exactly as far as the other writers do.
REGISTER = _query(
    f"""
    INSERT INTO click_writers (occurred_from, first_event_id)
    SELECT
        coalesce(min(occurred_from) FILTER (WHERE id > 0), max(occurred_from), 'epoch'),
        coalesce(min(first_event_id) FILTER (WHERE id > 0), {_NEXT_ID})
    FROM click_writers
    RETURNING id
    """,  # noqa: S608  our own words
    id=BigInteger(),
)
LATEST_WATERMARK = _query("SELECT max(occurred_from) FROM click_writers", moment=UtcDateTime())
# A writer without a block of ids will take its next id from a block that it has yet to reserve.
RENEW = _query(
    f"""
    UPDATE click_writers
    SET occurred_from = :moment, first_event_id = coalesce(:first_id, {_NEXT_ID}), refreshed_at = clock_timestamp()
    WHERE id = :writer RETURNING {_NEXT_ID}, {THIS_MONTH}, {IS_PREPARED}
    """,  # noqa: S608  our own words
    next_id=BigInteger(),
    number=BigInteger(),
    is_prepared=Boolean(),
)
# A transaction locks the row of its writer, even if the writer has given up on it.
RETIRE = _query(
    f"WITH found AS (SELECT id FROM click_writers WHERE id = :writer FOR UPDATE SKIP LOCKED), {REMOVE_FOUND}",  # noqa: S608  our own words
    id=BigInteger(),
)
REAP = _query(
    f"""
    WITH found AS (
        SELECT id FROM click_writers
        WHERE id > 0 AND refreshed_at < clock_timestamp() - interval '{DEAD_SECONDS} seconds'
        FOR UPDATE SKIP LOCKED
    ), {REMOVE_FOUND}
    """,  # noqa: S608  our own words
    id=BigInteger(),
)


class Registration:
    """The row of one writer. Used by one task at a time, between two batches."""

    def __init__(self, database: Database, watermark: Watermark, ids: IdBlocks) -> None:
        self._months = MonthKeeper(database)
        self._watermark = watermark
        self._ids = ids
        self._id: int | None = None
        self._abandoned: list[int] = []
        self._reaped_at = 0.0

    async def ensure(self, connection: WriteConnection) -> None:
        """Register the writer if it is not registered, and bind the connection to its row. Raises `SchemaOutdated`."""
        if self._id is None:
            while self._abandoned:
                await connection.read(RETIRE, {"writer": self._abandoned[-1], "moment": None})
                self._abandoned.pop()
            await self._register(connection)
        connection.fence(self._id)

    async def renew(self, connection: WriteConnection) -> None:
        """Store the watermarks; call `ensure` first. Every few seconds, also remove the rows of dead writers, and turn
        the month when it is time."""
        values = {"writer": self._id, "moment": self._watermark.timestamp, "first_id": self._ids.first(EVENTS)}
        renewed = await connection.read(RENEW, values)
        if not renewed:
            self.forget()
            await self.ensure(connection)
            return
        now = MonthNow(*renewed[0])
        if self._ids.holds_up(EVENTS, now.next_id):
            self._ids.give_up(EVENTS)
        if monotonic() - self._reaped_at >= REAP_SECONDS:
            self._reaped_at = monotonic()
            await connection.read(REAP, {"moment": None})
        if await self._months.keep(connection, now):
            self.forget()
        await self.ensure(connection)

    async def retire(self, connection: WriteConnection) -> None:
        """Remove the row of a writer that will commit nothing more."""
        if self._id is not None:
            await connection.read(RETIRE, {"writer": self._id, "moment": self._watermark.advanced(None) + MICROSECOND})
            self._id = None

    def forget(self) -> None:
        """Note that the row is gone."""
        self._id = None

    def abandon(self) -> None:
        """Give up the row, because a transaction whose outcome the writer will not learn may still be running. The row
        stays until that transaction has ended, or is removed before the transaction has begun."""
        if self._id is not None:
            self._abandoned.append(self._id)
            self._id = None

    async def _register(self, connection: WriteConnection) -> None:
        connection.fence(None)
        await connection.begin()
        try:
            # In this order: the insert waits for a running upgrade, so the check sees its outcome.
            ((id,),) = await connection.read(REGISTER, {})
            await check_revision(connection)
        except SchemaOutdated:
            await connection.rollback()
            raise
        await connection.commit()
        self._abandoned.append(id)  # until it can be used
        # Before this row existed, readers may have shown everything up to the latest watermark.
        ((latest,),) = await connection.read(LATEST_WATERMARK, {})
        self._watermark.start_at(latest)
        self._ids.give_up(EVENTS)
        values = {"writer": id, "moment": self._watermark.timestamp, "first_id": None}
        renewed = await connection.read(RENEW, values)
        self._abandoned.remove(id)
        if renewed:
            self._id = id
        else:
            await self._register(connection)  # an upgrade or the turn of a month removed the row meanwhile
