"""The SQL of reports from segments: which segments a viewer's programs have, and the events that are in none yet."""

from functools import lru_cache, partial

from cachetools import cached
from cachetools.keys import hashkey
from sqlalchemy import bindparam, join, literal_column, select
from sqlalchemy.orm import aliased

from db.outbox.conditions import waits_for
from db.schema.outbox import OutboxRange
from db.schema.programs import Program
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.columns import Column, SegmentSource
from db.segments.event_rows import EventRows
from db.sql.compiled_queries import CompiledQuery, DialectQuery, compile_for
from db.sql.functions import microseconds_of
from db.sql.top_n_per_group import rows_of
from graph.domain.derived_fields import derived_fields
from graph.reports.filters import ClickSelection
from graph.reports.statements import cached_statements

# A question would hold them as rows.
MOST_WAITING = 100_000


@cached(cached_statements, key=partial(hashkey, "segments"))
def segments(selection: ClickSelection, kind: str, *, is_sqlite: bool) -> DialectQuery:
    """Select the segments of the programs, without their data; times in microseconds since 1970."""
    segment, program = ReportSegment, Program
    times = (microseconds_of(segment.first_at), microseconds_of(segment.last_at))
    query = select(segment.program_id, segment.id, segment.events, *times, segment.checksum)
    query = query.join(program, program.id == segment.program_id).where(*selection.programs(program))
    query = query.where(segment.kind == literal_column(f"'{kind}'"))
    return compile_for(query.order_by(segment.program_id, segment.id), is_sqlite=is_sqlite)


@cached(cached_statements, key=partial(hashkey, "totals"))
def totals(selection: ClickSelection, kind: str, *, is_sqlite: bool) -> DialectQuery:
    """Select how many segments and events there should be of each of the programs."""
    total, program = ReportSegmentTotal, Program
    query = select(total.program_id, total.segments, total.events)
    query = query.join(program, program.id == total.program_id).where(*selection.programs(program))
    return compile_for(query.where(total.kind == literal_column(f"'{kind}'")), is_sqlite=is_sqlite)


def rows_with(columns: tuple[Column, ...], *, is_sqlite: bool) -> EventRows:
    """Return what reads events with these columns."""
    return EventRows(columns, derived_fields, is_sqlite=is_sqlite)


@cached(cached_statements, key=partial(hashkey, "waiting"))
def waiting(
    selection: ClickSelection, source: SegmentSource, columns: tuple[Column, ...], *, is_sqlite: bool
) -> DialectQuery:
    """Select the events that are in no segment yet, as `rows_with` reads them; one more than `MOST_WAITING`."""
    program, events = aliased(Program), source.events
    # The scope is checked on the few events found: in the join, it would lead the planner to another index than the
    # key.
    queue = join(OutboxRange, program, program.id == OutboxRange.program_id)
    found, event = rows_of(queue, events.event, lambda event: [events.covers(event)], is_sqlite=is_sqlite)
    found, click = events.clicked(found, event, is_sqlite=is_sqlite)
    rows = rows_with(columns, is_sqlite=is_sqlite)
    query = select(*rows.selected(event, click)).select_from(found)
    is_waiting = waits_for(source.consumer, events.kinds)
    query = query.where(*selection.programs(program), is_waiting, *selection.events(event)).limit(MOST_WAITING + 1)
    return compile_for(rows.packed(query), is_sqlite=is_sqlite)


@lru_cache
def data(kind: str) -> CompiledQuery:
    """Select the data of a segment, by `program_id` and `id`."""
    segment = ReportSegment
    key = (segment.program_id == bindparam("program_id"), segment.id == bindparam("id"))
    return CompiledQuery(select(segment.data).where(*key, segment.kind == literal_column(f"'{kind}'")))
