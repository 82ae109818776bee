"""The statements that add recorded clicks to the rollups, and the condition for those that are not in them yet.

Apart from the aggregator, so that the order of things can be read there without their SQL.
"""

from sqlalchemy import Dialect, Integer, bindparam, cast, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from db.outbox.conditions import CLICK, covers, waits_for
from db.rollups.aggregation import KEY
from db.rollups.dimensions import COUNTERS, VISIT_DIMENSIONS, makes_customer, value_of
from db.schema.clicks import ClickEvent
from db.schema.outbox import OutboxRange
from db.schema.rollups import ClickRollup
from db.sql.batch_statements import BatchStatement, Template, compiled
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among, quarter_number

ROLLUPS = "rollups"
"""The name under which the outbox knows the consumer that keeps the rollups."""
WAITING = waits_for(ROLLUPS, {CLICK})
"""Whether a row of the log has clicks that are not in the rollups yet."""

_event = aliased(ClickEvent)
# The clicks of some rows of the log, in the form that `RollupSums.add` takes.
find_events = CompiledQuery(
    select(
        _event.program_id,
        _event.partner_id,
        _event.link_id,
        quarter_number(_event.occurred_at),
        cast(_event.is_bot, Integer),
        cast(makes_customer(_event), Integer),
        *(value_of(_event, dimension) for dimension in VISIT_DIMENSIONS),
    )
    .join_from(OutboxRange, _event, covers(_event))
    .where(among(OutboxRange.id, bindparam("rows", type_=Ids))),
)


class RollupStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        def statement(query: Template, *parameters: str) -> BatchStatement:
            return compiled(dialect, query, parameters)

        insert = (sqlite.insert if dialect.name == "sqlite" else postgresql.insert)(ClickRollup).inline()
        table = ClickRollup.__table__
        added = {name: table.c[name] + insert.excluded[name] for name in COUNTERS}
        self.add = statement(insert.on_conflict_do_update(index_elements=KEY, set_=added), *KEY, *COUNTERS)
