"""The statements that read events to be added up, and add their sums to the rollups.

Apart from the aggregator, so that the order of things can be read there without their SQL.
"""

from sqlalchemy import Dialect, bindparam, join, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from db.rollups.sources import RollupSource
from db.schema.outbox import OutboxRange
from db.sql.batch_statements import compiled
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among


class RollupStatements:
    """`find_events` reads the events of some rows of the log, in the form that `RollupSums.add` takes; `add` names the
    values of its rows, in order."""

    def __init__(self, source: RollupSource, dialect: Dialect) -> None:
        is_sqlite = dialect.name == "sqlite"
        event = aliased(source.event)
        listed = join(OutboxRange, event, source.covers(event))
        found, click = source.clicked(listed, event, is_sqlite=is_sqlite)
        query = select(*source.fields(event, click)).select_from(found)
        self.find_events = CompiledQuery(query.where(among(OutboxRange.id, bindparam("rows", type_=Ids))))
        table = source.rollup.__table__
        insert = (sqlite.insert if is_sqlite else postgresql.insert)(source.rollup).inline()
        added = {name: table.c[name] + insert.excluded[name] for name in source.counters}
        upsert = insert.on_conflict_do_update(index_elements=source.key, set_=added)
        self.add = compiled(dialect, upsert, (*source.key, *source.counters))
