"""A running writer's row on PostgreSQL, by which several gateways record clicks that can be followed without a loss.

A row holds what its writer promised: no event of before a moment, and none with a lower id, is committed any more. A
reader hands out what lies before all rows' promises, see `db.sql.commit_horizon`. A writer whose row is gone, because
others took it for dead or the schema was upgraded, commits nothing until it has registered again: see
`WriteConnection.fence`.
"""

from time import monotonic
from typing import Any

from sqlalchemy import BigInteger, TextClause, bindparam, column, text
from sqlalchemy.sql.selectable import TextualSelect

from db.engine.backend.protocol import WriteConnection
from db.engine.schema_fence import check_revision
from db.errors import SchemaOutdated
from db.ingest.id_blocks import EVENTS, IdBlocks
from db.ingest.promises import Promises
from db.schema.columns import MICROSECOND, UtcDateTime
from db.sql.compiled_queries import CompiledQuery

# The row of a gateway that died holds up those who follow the clicks for this long. A live one renews its row each half
# second.
DEAD_SECONDS = 5
REAP_SECONDS = 2

_NEXT_ID = f"(SELECT next_id FROM id_blocks WHERE name = '{EVENTS}')"  # noqa: S608  our own name
# The row with the id 0 is no writer's: it keeps the latest promise of all rows that are gone.
_REMOVE = """
    gone AS (
        DELETE FROM click_writers USING found WHERE click_writers.id = found.id RETURNING click_writers.occurred_from
    )
    UPDATE click_writers
    SET occurred_from = greatest(occurred_from, (SELECT max(occurred_from) FROM gone), :moment)
    WHERE id = 0 AND EXISTS (SELECT FROM gone) RETURNING id
"""


def _query(sql: str, **columns: Any) -> CompiledQuery:
    """Return a query with the types of its parameters and of the columns that it returns."""
    clause: TextClause = text(sql)
    types: dict[str, Any] = {"moment": UtcDateTime(), "writer": BigInteger(), "first_id": BigInteger()}
    clause = clause.bindparams(*(bindparam(name, type_=type) for name, type in types.items() if f":{name}" in sql))
    returned: TextualSelect = clause.columns(*(column(name, type) for name, type in columns.items()))
    return CompiledQuery(returned)


# Until it knows what was promised before, a new writer holds back whatever the others do, and nothing more.
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
PROMISED = _query("SELECT max(occurred_from) FROM click_writers", moment=UtcDateTime())
# Without a block of ids in hand, a writer's next event has an id of a block that it will take later.
RENEW = _query(
    f"""
    UPDATE click_writers
    SET occurred_from = :moment, first_event_id = coalesce(:first_id, {_NEXT_ID}), refreshed_at = clock_timestamp()
    WHERE id = :writer RETURNING {_NEXT_ID}
    """,  # noqa: S608  our own words
    next_id=BigInteger(),
)
# A row is locked while a transaction of its writer is under way, even one that its writer gave up on.
RETIRE = _query(
    f"WITH found AS (SELECT id FROM click_writers WHERE id = :writer FOR UPDATE SKIP LOCKED), {_REMOVE}",  # noqa: S608  our own words
    id=BigInteger(),
)
REAP = _query(
    f"""
    WITH found AS (
        SELECT id FROM click_writers
        WHERE id > 0 AND refreshed_at < clock_timestamp() - interval '{DEAD_SECONDS} seconds'
        FOR UPDATE SKIP LOCKED
    ), {_REMOVE}
    """,  # noqa: S608  our own words
    id=BigInteger(),
)


class Registration:
    """The row of one writer, which comes and goes. Used by one task at a time, between two batches."""

    def __init__(self, promises: Promises, ids: IdBlocks) -> None:
        self._promises = promises
        self._ids = ids
        self._id: int | None = None
        self._abandoned: list[int] = []
        self._reaped_at = 0.0

    async def ensure(self, connection: WriteConnection) -> None:
        """Register the writer unless it is, and bind the connection to its row. Raises `SchemaOutdated`."""
        if self._id is None:
            while self._abandoned:
                await connection.read(RETIRE, {"writer": self._abandoned[-1], "moment": None})
                self._abandoned.pop()
            await self._register(connection)
        connection.fence(self._id)

    async def renew(self, connection: WriteConnection) -> None:
        """Store the present promise; `ensure` comes before it. Now and then, remove the rows of dead writers."""
        values = {"writer": self._id, "moment": self._promises.moment, "first_id": self._ids.first(EVENTS)}
        renewed = await connection.read(RENEW, values)
        if not renewed:
            self.forget()
            await self.ensure(connection)
            return
        ((next_id,),) = renewed
        if self._ids.holds_up(EVENTS, next_id):
            self._ids.give_up(EVENTS)
        if monotonic() - self._reaped_at >= REAP_SECONDS:
            self._reaped_at = monotonic()
            await connection.read(REAP, {"moment": None})

    async def retire(self, connection: WriteConnection) -> None:
        """Remove the row: the writer ends, and has committed whatever it will."""
        if self._id is not None:
            await connection.read(RETIRE, {"writer": self._id, "moment": self._promises.renewed(None) + MICROSECOND})
            self._id = None

    def forget(self) -> None:
        """Take note that the row is gone."""
        self._id = None

    def abandon(self) -> None:
        """Give the row up, whose writer no longer knows what happens in its name: a transaction may be under way that
        it will never hear of. The row stays until that has ended, or is removed before it has begun."""
        if self._id is not None:
            self._abandoned.append(self._id)
            self._id = None

    async def _register(self, connection: WriteConnection) -> None:
        connection.fence(None)
        await connection.begin()
        try:
            # In this order: the insert waits for an upgrade that is under way, whose outcome is seen then.
            ((id,),) = await connection.read(REGISTER, {})
            await check_revision(connection)
        except SchemaOutdated:
            await connection.rollback()
            raise
        await connection.commit()
        self._abandoned.append(id)  # until it can be used
        # What readers took this writer's row into account for was handed out before, up to what others have promised.
        ((promised,),) = await connection.read(PROMISED, {})
        self._promises.start_at(promised)
        self._ids.give_up(EVENTS)
        values = {"writer": id, "moment": self._promises.moment, "first_id": None}
        renewed = await connection.read(RENEW, values)
        self._abandoned.remove(id)
        if renewed:
            self._id = id
        else:
            await self._register(connection)  # an upgrade came between
