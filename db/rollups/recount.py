"""The events cut into parts of bounded size, each with the rollup rows that it adds up to: for audits and rebuilds.

All spans lie within days in UTC, so the events of whole days of one subject, or of all days of several subjects, make
up whole rows. Parts of one level cover every possible key, so no row of the table is left out.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import add
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import BigInteger, bindparam, cast, func, inspect, literal_column, select, union_all
from sqlalchemy.orm import aliased

from db.engine.backend.protocol import Source
from db.rollups.aggregation import KEY
from db.rollups.sources import RollupSource
from db.rollups.sums import DAY, LEVELS, QUARTER, SPANS, Level
from db.schema.columns import microseconds
from db.schema.outbox import OutboxRange
from db.sql.batch_statements import RowValues
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import microseconds_of, quarter_number, timestamp_of

# A part's rows are held in memory, up to three for each event. One day of one subject is never cut.
PART_EVENTS = 5_000
DAY_MICROSECONDS = DAY * 1_000_000
LEAST, MOST = -(2**63), 2**63 - 1

Key: TypeAlias = tuple[Any, ...]
"""Subject, span in seconds, start in microseconds since 1970, the partner that may see it, and the values of the
source's `keys`."""
Rows: TypeAlias = Mapping[Key, tuple[int, ...]]
"""The counters of rows, in the order of the source's `counters`."""
_Bounds: TypeAlias = tuple[bool, bool, bool]
_Queries: TypeAlias = Mapping[tuple[Level, _Bounds], CompiledQuery]


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
    def bounds(self) -> _Bounds:
        """Whether it is of a single subject, and whether its days have a start and an end."""
        return self.first == self.last, self.start_day is not None, self.end_day is not None


class Waiting:
    """The events of one program that wait to be aggregated, and so are in no rollup yet."""

    def __init__(self, ranges: Sequence[tuple[str, int, int]]) -> None:
        self._starts: dict[str, list[int]] = {}
        self._ends: dict[str, list[int]] = {}
        for kind, first, last in sorted(ranges):
            starts, ends = self._starts.setdefault(kind, []), self._ends.setdefault(kind, [])
            if ends and first <= ends[-1] + 1:
                ends[-1] = max(ends[-1], last)
            else:
                starts.append(first)
                ends.append(last)

    def has(self, kind: str, event_id: int) -> bool:
        """Return whether an event waits."""
        at = bisect_right(self._starts.get(kind, ()), event_id) - 1
        return at >= 0 and event_id <= self._ends[kind][at]


_program = bindparam("program", type_=BigInteger)
_first, _last = bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger)
_size = bindparam("size", type_=BigInteger)
_BOUNDS = [(True, start, end) for start in (False, True) for end in (False, True)] + [(False, False, False)]


class Recount:
    """Recounts the events of one source on one kind of database."""

    def __init__(self, source: RollupSource, *, is_sqlite: bool) -> None:
        self.source = source
        self._is_sqlite = is_sqlite
        event = self._event = aliased(source.event)
        self._subjects = {"program": event.program_id, "partner": event.partner_id, "link": event.link_id}
        day = quarter_number(event.occurred_at) // (DAY // QUARTER)
        self._subject_cuts = {level: self._cuts(self._subjects[level]) for level in ("partner", "link")}
        self._day_cuts = {level: self._cuts(day, self._subjects[level] == _first) for level in LEVELS}
        counted = select(func.count()).select_from(event).where(event.program_id == _program)
        self._count_events = CompiledQuery(counted)
        waiting = select(OutboxRange.kind, OutboxRange.first_id, OutboxRange.last_id)
        self._find_waiting = CompiledQuery(waiting.where(source.waiting, OutboxRange.program_id == _program))
        self._events = {(level, bounds): self._find_events(level, bounds) for level in LEVELS for bounds in _BOUNDS}
        of_events = source.is_of_events(source.rollup)
        self._kept = self._all_rows(source.rollup, of_events)
        self._dropped = None if source.dropped is None else self._all_rows(source.dropped, ())

    async def parts(self, source: Source, program_id: int, level: Level, size: int = PART_EVENTS) -> Sequence[Part]:
        """Cut a program's events at one level."""
        ((events,),) = await source.fetch(self._count_events, {"program": program_id})
        whole = Part(program_id, level, LEAST, MOST, None, None, events)
        if level == "program":
            # Rows of another subject at this level are nobody's.
            below, above = whole._replace(last=program_id - 1, events=0), whole._replace(first=program_id + 1, events=0)
            own = whole._replace(first=program_id, last=program_id)
            return [below, *await self._days(source, own, size), above]
        parts: list[Part] = []
        first, before = LEAST, 0
        cuts = await source.fetch(self._subject_cuts[level], {"program": program_id, "size": size})
        for subject, own, total in cuts:
            if own > size:
                if first < subject:
                    parts.append(whole._replace(first=first, last=subject - 1, events=total - own - before))
                parts += await self._days(source, whole._replace(first=subject, last=subject, events=own), size)
            else:
                parts.append(whole._replace(first=first, last=subject, events=total - before))
            first, before = subject + 1, total
        return [*parts, whole._replace(first=first, events=events - before)]

    async def expected_rows(self, source: Source, part: Part) -> Sequence[RowValues]:
        """Read a part's events: each its kind, its id, and what `RollupSums.add` takes."""
        rows: Sequence[RowValues] = await source.fetch(self._events[part.level, part.bounds], part.values)
        return rows

    async def added_up(self, source: Source, events: Sequence[RowValues], waiting: Waiting, part: Part) -> Rows:
        """Return the rows that a part's events add up to, those that wait left out, together with those that were
        dropped."""
        sums = self.source.sums()
        sums.add([event[2:] for event in events if not waiting.has(event[0], event[1])])
        rows = dict(self._keyed(sums.rows(part.level)))
        if self._dropped is not None:
            for key, counters in (await self._rows(source, self._dropped, part)).items():
                rows[key] = tuple(map(add, rows[key], counters)) if key in rows else counters
        return rows

    async def kept_rows(self, source: Source, part: Part) -> Rows:
        """Return a part's rows as the table has them. A moment that is no number, which SQLite allows, stays what it
        is."""
        return await self._rows(source, self._kept, part)

    async def _rows(self, source: Source, queries: _Queries, part: Part) -> Rows:
        size = len(self.source.key) - 2
        found = await source.fetch(queries[part.level, part.bounds], part.values)
        return {tuple(row[:size]): tuple(row[size:]) for row in found}

    async def waiting_in(self, source: Source, program_id: int) -> Waiting:
        """Return which of a program's events wait to be aggregated."""
        ranges = await source.fetch(self._find_waiting, {"program": program_id})
        return Waiting([(kind, first, last) for kind, first, last in ranges])

    async def _days(self, source: Source, subject: Part, size: int) -> Sequence[Part]:
        """Cut all days of a single subject."""
        parts: list[Part] = []
        start: int | None = None
        before = 0
        for day, _, total in await source.fetch(self._day_cuts[subject.level], {**subject.values, "size": size}):
            parts.append(subject._replace(start_day=start, end_day=day + 1, events=total - before))
            start, before = day + 1, total
        return [*parts, subject._replace(start_day=start, events=subject.events - before)]

    def _cuts(self, key: Any, *where: Any) -> CompiledQuery:
        """Return the query for where to cut: the keys at which the running number of events passes a multiple of a
        size, each with its own number of events, and the running one; keys with more than the size are always among
        them."""
        counted = select(key.label("key"), func.count().label("events"))
        counts = counted.where(self._event.program_id == _program, *where).group_by(key).subquery()
        total = cast(func.sum(counts.c.events).over(order_by=counts.c.key), BigInteger).label("total")
        running = select(counts.c.key, counts.c.events, total).subquery()
        passed = (running.c.total // _size) > ((running.c.total - running.c.events) // _size)
        found = select(running.c.key, running.c.events, running.c.total).where(passed)
        return CompiledQuery(found.order_by(running.c.key))

    def _find_events(self, level: Level, bounds: _Bounds) -> CompiledQuery:
        is_single, has_start, has_end = bounds
        event, subject = self._event, self._subjects[level]
        where = [event.program_id == _program, *self.source.is_there(event)]
        if not is_single:
            where.append(subject.between(_first, _last))
        elif level != "program":
            where.append(subject == _first)
        if has_start:
            where.append(event.occurred_at >= _moment("start"))
        if has_end:
            where.append(event.occurred_at < _moment("end"))
        found, click = self.source.clicked(inspect(event).selectable, event, is_sqlite=self._is_sqlite)
        columns = (self.source.kind(event), event.id, *self.source.fields(event, click))
        return CompiledQuery(select(*columns).select_from(found).where(*where))

    def _all_rows(self, row: Any, where: Sequence[Any]) -> _Queries:
        """Return the queries for the rows of every form of a part, in a table of rollups."""
        return {(level, bounds): self._find_rows(row, where, level, bounds) for level in LEVELS for bounds in _BOUNDS}

    def _find_rows(self, row: Any, where: Sequence[Any], level: Level, bounds: _Bounds) -> CompiledQuery:
        is_single, has_start, has_end = bounds
        source = self.source
        names = (*KEY[2:], *source.keys, *source.counters)
        columns = [microseconds_of(row.bucket_at) if name == "bucket_at" else getattr(row, name) for name in names]
        where = [*where, row.program_id == _program, row.level == literal_column(f"'{level}'")]
        if not is_single:
            return CompiledQuery(select(*columns).where(*where, row.subject_id.between(_first, _last)))
        where.append(row.subject_id == _first)
        if has_start:
            where.append(row.bucket_at >= _moment("start"))
        if has_end:
            where.append(row.bucket_at < _moment("end"))
        # One look at the key for each span, which comes before the moment in it.
        parts = [select(*columns).where(*where, row.span_seconds == literal_column(str(span))) for span in SPANS]
        return CompiledQuery(union_all(*parts))

    def _keyed(self, rows: Iterator[RowValues]) -> Iterator[tuple[Key, tuple[int, ...]]]:
        moments: dict[Any, int] = {}
        size = len(self.source.key)
        for row in rows:
            _, _, subject, span, bucket_at, *others = row[:size]
            if (start := moments.get(bucket_at)) is None:
                start = moments[bucket_at] = microseconds(bucket_at) or 0
            yield (subject, span, start, *others), tuple(row[size:])


def _moment(name: str) -> Any:
    """Return a parameter in microseconds since 1970, as a moment."""
    return timestamp_of(bindparam(name, type_=BigInteger))


@lru_cache
def recount_of(source: RollupSource, *, is_sqlite: bool) -> Recount:
    """Return the recount of a source on SQLite or on PostgreSQL."""
    return Recount(source, is_sqlite=is_sqlite)
