"""The events cut into parts of bounded size, each with the rollup rows that it adds up to: for audits and rebuilds.

All spans lie within days in UTC, so the events of whole days of one subject, or of all days of several subjects, make
up whole rows. Parts of one level cover every possible key, so no row of the table is left out.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import BigInteger, Integer, bindparam, cast, func, literal_column, select, union_all
from sqlalchemy.orm import aliased

from db.engine.backend.protocol import Source
from db.rollups.aggregation import RollupSums
from db.rollups.dimensions import DAY, QUARTER, SPANS, VISIT_DIMENSIONS, Level, makes_customer, value_of
from db.rollups.statements import WAITING
from db.schema.clicks import ClickEvent
from db.schema.columns import microseconds
from db.schema.outbox import OutboxRange
from db.schema.rollups import ClickRollup
from db.sql.batch_statements import RowValues
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import microseconds_of, quarter_number, timestamp_of

# A part's rows are held in memory, up to two dozen for each event. One day of one subject is never cut.
PART_EVENTS = 5_000
DAY_MICROSECONDS = DAY * 1_000_000
LEAST, MOST = -(2**63), 2**63 - 1

Key: TypeAlias = tuple[int, str, int, int, str, int]
"""Subject, dimension, span in seconds, start in microseconds since 1970, value, and the partner that may see it."""
Rows: TypeAlias = Mapping[Key, tuple[int, ...]]
"""The counters of rows, in the order of `COUNTERS`."""


class Part(NamedTuple):
    """Subjects of one level in one program, from the first to the last one, and, of a single subject, some days: from
    the first one to before the end, by their numbers since 1970. None stands for no bound."""

    program_id: int
    level: Level
    first: int
    last: int
    start_day: int | None
    end_day: int | None
    events: int
    """About how many, to tell progress by."""

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the queries below."""
        return {
            "program": self.program_id,
            "first": self.first,
            "last": self.last,
            "start": (self.start_day or 0) * DAY_MICROSECONDS,
            "end": (self.end_day or 0) * DAY_MICROSECONDS,
        }

    @property
    def bounds(self) -> tuple[bool, bool, bool]:
        """Whether it is of a single subject, and whether its days have a start and an end."""
        return self.first == self.last, self.start_day is not None, self.end_day is not None


class Waiting:
    """The events of one program that wait to be aggregated, and so are in no rollup yet."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for first, last in sorted(ranges):
            if self._ends and first <= self._ends[-1] + 1:
                self._ends[-1] = max(self._ends[-1], last)
            else:
                self._starts.append(first)
                self._ends.append(last)

    def __contains__(self, event_id: int) -> bool:
        at = bisect_right(self._starts, event_id) - 1
        return at >= 0 and event_id <= self._ends[at]


_event = aliased(ClickEvent)
SUBJECTS: Mapping[Level, Any] = {
    "program": _event.program_id,
    "partner": _event.partner_id,
    "link": _event.link_id,
}
_program = bindparam("program", type_=BigInteger)
_first, _last = bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger)
_size = bindparam("size", type_=BigInteger)


def _moment(name: str) -> Any:
    """Return a parameter in microseconds since 1970, as a moment."""
    return timestamp_of(bindparam(name, type_=BigInteger))


def _cuts(key: Any, *where: Any) -> CompiledQuery:
    """Return the query for where to cut: the keys at which the running number of events passes a multiple of a size,
    each with its own number of events, and the running one; keys with more than the size are always among them."""
    counted = select(key.label("key"), func.count().label("events")).where(_event.program_id == _program, *where)
    counts = counted.group_by(key).subquery()
    total = cast(func.sum(counts.c.events).over(order_by=counts.c.key), BigInteger).label("total")
    running = select(counts.c.key, counts.c.events, total).subquery()
    passed = (running.c.total // _size) > ((running.c.total - running.c.events) // _size)
    return CompiledQuery(select(running.c.key, running.c.events, running.c.total).where(passed).order_by(running.c.key))


_day = quarter_number(_event.occurred_at) // (DAY // QUARTER)
SUBJECT_CUTS: Mapping[Level, CompiledQuery] = {level: _cuts(SUBJECTS[level]) for level in ("partner", "link")}
DAY_CUTS: Mapping[Level, CompiledQuery] = {level: _cuts(_day, SUBJECTS[level] == _first) for level in SPANS}
COUNT_EVENTS = CompiledQuery(select(func.count()).select_from(_event).where(_event.program_id == _program))
FIND_WAITING = CompiledQuery(
    select(OutboxRange.first_id, OutboxRange.last_id).where(WAITING, OutboxRange.program_id == _program)
)


def _events(level: Level, bounds: tuple[bool, bool, bool]) -> CompiledQuery:
    is_single, has_start, has_end = bounds
    where = [_event.program_id == _program]
    subject = SUBJECTS[level]
    if not is_single:
        where.append(subject.between(_first, _last))
    elif level != "program":
        where.append(subject == _first)
    if has_start:
        where.append(_event.occurred_at >= _moment("start"))
    if has_end:
        where.append(_event.occurred_at < _moment("end"))
    columns = (
        _event.id,
        _event.program_id,
        _event.partner_id,
        _event.link_id,
        quarter_number(_event.occurred_at),
        cast(_event.is_bot, Integer),
        cast(makes_customer(_event), Integer),
    )
    return CompiledQuery(
        select(*columns, *(value_of(_event, name) for name in VISIT_DIMENSIONS)).where(*where),
    )


def _kept(level: Level, bounds: tuple[bool, bool, bool]) -> CompiledQuery:
    is_single, has_start, has_end = bounds
    row = ClickRollup
    columns = (
        row.subject_id,
        row.dimension,
        row.span_seconds,
        microseconds_of(row.bucket_at),
        row.value,
        row.partner_id,
        *(row.people, row.bots, row.customers, row.bot_customers),
    )
    where = [row.program_id == _program, row.level == literal_column(f"'{level}'")]
    if not is_single:
        return CompiledQuery(select(*columns).where(*where, row.subject_id.between(_first, _last)))
    where.append(row.subject_id == _first)
    if has_start:
        where.append(row.bucket_at >= _moment("start"))
    if has_end:
        where.append(row.bucket_at < _moment("end"))
    # One look at the key for each kind of row, as the moment comes after these two in it.
    kinds = [(dimension, span) for dimension, spans in SPANS[level].items() for span in spans]
    parts = [
        select(*columns).where(
            *where, row.dimension == literal_column(f"'{name}'"), row.span_seconds == literal_column(str(span))
        )
        for name, span in kinds
    ]
    return CompiledQuery(union_all(*parts))


_BOUNDS = [(True, start, end) for start in (False, True) for end in (False, True)] + [(False, False, False)]
EVENTS = {(level, bounds): _events(level, bounds) for level in SPANS for bounds in _BOUNDS}
KEPT = {(level, bounds): _kept(level, bounds) for level in SPANS for bounds in _BOUNDS}


async def parts_of(source: Source, program_id: int, level: Level, size: int = PART_EVENTS) -> Sequence[Part]:
    """Cut a program's events at one level."""
    ((events,),) = await source.fetch(COUNT_EVENTS, {"program": program_id})
    whole = Part(program_id, level, LEAST, MOST, None, None, events)
    if level == "program":
        # Rows of another subject at this level are nobody's.
        below, above = whole._replace(last=program_id - 1, events=0), whole._replace(first=program_id + 1, events=0)
        own = whole._replace(first=program_id, last=program_id)
        return [below, *await _days(source, own, size), above]
    parts: list[Part] = []
    first, before = LEAST, 0
    for subject, own, total in await source.fetch(SUBJECT_CUTS[level], {"program": program_id, "size": size}):
        if own > size:
            if first < subject:
                parts.append(whole._replace(first=first, last=subject - 1, events=total - own - before))
            parts += await _days(source, whole._replace(first=subject, last=subject, events=own), size)
        else:
            parts.append(whole._replace(first=first, last=subject, events=total - before))
        first, before = subject + 1, total
    return [*parts, whole._replace(first=first, events=events - before)]


async def _days(source: Source, subject: Part, size: int) -> Sequence[Part]:
    """Cut all days of a single subject."""
    parts: list[Part] = []
    start: int | None = None
    before = 0
    for day, _, total in await source.fetch(DAY_CUTS[subject.level], {**subject.values, "size": size}):
        parts.append(subject._replace(start_day=start, end_day=day + 1, events=total - before))
        start, before = day + 1, total
    return [*parts, subject._replace(start_day=start, events=subject.events - before)]


async def expected_rows(source: Source, part: Part) -> Sequence[RowValues]:
    """Read a part's events: each an id, and what `RollupSums.add` takes."""
    rows: Sequence[RowValues] = await source.fetch(EVENTS[part.level, part.bounds], part.values)
    return rows


def added_up(events: Sequence[RowValues], waiting: Waiting, level: Level) -> Rows:
    """Return the rows that events add up to, those that wait left out."""
    sums = RollupSums()
    sums.add([event[1:] for event in events if event[0] not in waiting])
    return dict(_keyed(sums.rows(level)))


def _keyed(rows: Iterator[RowValues]) -> Iterator[tuple[Key, tuple[int, ...]]]:
    moments: dict[Any, int] = {}
    for _, _, subject, dimension, span, bucket_at, value, partner_id, *counts in rows:
        if (start := moments.get(bucket_at)) is None:
            start = moments[bucket_at] = microseconds(bucket_at) or 0
        yield (subject, dimension, span, start, value, partner_id), tuple(counts)


async def kept_rows(source: Source, part: Part) -> Rows:
    """Return a part's rows as the table has them. A moment that is no number, which SQLite allows, stays what it is."""
    found = await source.fetch(KEPT[part.level, part.bounds], part.values)
    return {tuple(row[:6]): tuple(row[6:]) for row in found}


async def waiting_in(source: Source, program_id: int) -> Waiting:
    """Return which of a program's events wait to be aggregated."""
    return Waiting([(first, last) for first, last in await source.fetch(FIND_WAITING, {"program": program_id})])
