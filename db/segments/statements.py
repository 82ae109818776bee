"""The statements that read events into segments, and write segments.

Apart from the builder, so that the order of things can be read there without their SQL.
"""

from sqlalchemy import BigInteger, BindParameter, Dialect, LargeBinary, bindparam, delete, insert, join, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from db.schema.columns import UtcDateTime
from db.schema.outbox import OutboxRange
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.columns import SegmentSource
from db.segments.event_rows import EventRows
from db.sql.batch_statements import Template, compiled
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among

KEY = ("program_id", "kind", "id")
_program: BindParameter[int] = bindparam("program_id")
_kind: BindParameter[str] = bindparam("kind")
_id: BindParameter[int] = bindparam("id")
FIND_SEGMENTS = CompiledQuery(
    select(ReportSegment.id, ReportSegment.events)
    .where(
        ReportSegment.program_id == _program,
        ReportSegment.kind == _kind,
        ReportSegment.month == bindparam("month", type_=BigInteger),
    )
    .order_by(ReportSegment.id)
)
READ_SEGMENT = CompiledQuery(
    select(ReportSegment.data, ReportSegment.checksum).where(
        ReportSegment.program_id == _program, ReportSegment.kind == _kind, ReportSegment.id == _id
    )
)
# A batch statement would send the data to PostgreSQL as JSON.
ADD_SEGMENT = CompiledQuery(
    insert(ReportSegment)
    .values(
        program_id=_program,
        kind=_kind,
        id=_id,
        month=bindparam("month", type_=BigInteger),
        events=bindparam("events"),
        first_at=bindparam("first_at", type_=UtcDateTime),
        last_at=bindparam("last_at", type_=UtcDateTime),
        checksum=bindparam("checksum"),
        data=bindparam("data", type_=LargeBinary),
    )
    .returning(ReportSegment.id)
)


class SegmentStatements:
    """`find_events` reads the events of some rows of the log. The others name the values of their rows, in order."""

    def __init__(self, source: SegmentSource, rows: EventRows, dialect: Dialect) -> None:
        is_sqlite = dialect.name == "sqlite"
        event = aliased(source.events.event)
        listed = join(OutboxRange, event, source.events.covers(event))
        found, click = source.events.clicked(listed, event, is_sqlite=is_sqlite)
        query = select(*rows.selected(event, click)).select_from(found)
        query = query.where(among(OutboxRange.id, bindparam("rows", type_=Ids)))
        self.find_events = CompiledQuery(rows.packed(query))
        segment, total = ReportSegment, ReportSegmentTotal
        removed: Template = delete(segment).where(
            segment.program_id == _program, segment.kind == _kind, segment.id == _id
        )
        self.remove = compiled(dialect, removed, KEY)
        new = (sqlite.insert if is_sqlite else postgresql.insert)(total).inline()
        sums = {name: getattr(total, name) + new.excluded[name] for name in ("segments", "events")}
        counted = new.on_conflict_do_update(index_elements=["program_id", "kind"], set_=sums)
        self.count = compiled(dialect, counted, ("program_id", "kind", "segments", "events"))
