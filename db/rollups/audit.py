"""Recount the events against every row of the rollups, part by part, so that memory stays bounded."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from itertools import product
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import func, select

from db.engine.backend.protocol import Source
from db.rollups.recount import PART_EVENTS, Key, Part, Recount, Rows
from db.rollups.sources import SOURCES, RollupSource
from db.rollups.sums import DAY, HOUR, LEVELS, QUARTER, SPANS
from db.schema.columns import EPOCH
from db.schema.programs import Program
from db.sql.compiled_queries import CompiledQuery

SPAN_NAMES = {DAY: "day", HOUR: "hour", QUARTER: "quarter of an hour"}
SPAN = itemgetter(1)


class Compared(NamedTuple):
    """A part of a source, with the rows that its events add up to and those that the table has."""

    source: RollupSource
    part: Part
    expected: Rows
    kept: Rows

    @property
    def nothing(self) -> tuple[int, ...]:
        """The counters of a row that is not there."""
        return (0,) * len(self.source.counters)

    def wrong(self) -> Iterator[Key]:
        """Yield the key of each row that is wrong, missing or too many."""
        if self.expected == self.kept:
            return
        nothing = self.nothing
        for key in self.expected.keys() | self.kept.keys():
            if self.expected.get(key, nothing) != self.kept.get(key, nothing):
                yield key


class RowDifference(NamedTuple):
    """A counter of a row that does not say what the events say."""

    name: str
    kept: Any
    expected: int


def _all_programs(source: RollupSource) -> CompiledQuery:
    """Return the query for every program that has events or rollups, or is one."""
    found = select(Program.id).union(select(source.event.program_id), select(source.rollup.program_id)).subquery()
    return CompiledQuery(select(found.c.id).order_by(found.c.id))


def _all_kinds(source: RollupSource) -> CompiledQuery:
    row = source.rollup
    kind = (row.level, row.span_seconds)
    return CompiledQuery(select(*kind, func.count()).group_by(*kind).order_by(row.level, row.span_seconds.desc()))


PROGRAMS = {source: _all_programs(source) for source in SOURCES}
KINDS = {source: _all_kinds(source) for source in SOURCES}
KNOWN_KINDS = [*product(LEVELS, SPANS)]


async def programs_in(source: Source, of: RollupSource) -> list[int]:
    """Return the id of every program that there is, or of which anything is left."""
    return [id for (id,) in await source.fetch(PROGRAMS[of], {})]


async def compared_parts(source: Source, recount: Recount, size: int = PART_EVENTS) -> AsyncIterator[Compared]:
    """Compare everything, in one snapshot. Reads every event once for each level."""
    for program_id in await programs_in(source, recount.source):
        waiting = await recount.waiting_in(source, program_id)
        for level in LEVELS:
            for part in await recount.parts(source, program_id, level, size):
                expected = await recount.added_up(source, await recount.expected_rows(source, part), waiting, part)
                yield Compared(recount.source, part, expected, await recount.kept_rows(source, part))


class RollupFigures:
    """How many rows were compared, by level and span."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, int]] = Counter()

    def add(self, compared: Compared) -> None:
        """Count a part's rows."""
        spans = Counter(map(SPAN, compared.kept))
        if compared.kept.keys() != compared.expected.keys():
            spans.update(map(SPAN, compared.expected.keys() - compared.kept.keys()))
        for span, rows in spans.items():
            self._rows[compared.part.level, span] += rows

    @property
    def total(self) -> int:
        """The number of all rows."""
        return self._rows.total()

    def listed(self) -> list[dict[str, Any]]:
        """Return the numbers, those of every kind of row that is kept."""
        kinds = [*KNOWN_KINDS, *sorted(self._rows.keys() - set(KNOWN_KINDS), key=str)]
        names = ("level", "span_seconds", "rows")
        return [dict(zip(names, (*kind, self._rows[kind]), strict=True)) for kind in kinds]


async def strange_kinds(source: Source, of: RollupSource) -> list[tuple[str, int]]:
    """Return how many rows there are of each level and span that no report reads, with a name of it."""
    return [
        (f"{of.noun} of level {level}, span {span}", rows)
        for level, span, rows in await source.fetch(KINDS[of], {})
        if (level, span) not in KNOWN_KINDS
    ]


def differences_in(compared: Compared) -> Iterator[RowDifference]:
    """Yield each counter that differs."""
    for key in sorted(compared.wrong(), key=str):
        expected, kept = compared.expected.get(key, compared.nothing), compared.kept.get(key, compared.nothing)
        for name, says, events in zip(compared.source.counters, kept, expected, strict=True):
            if says != events:
                yield RowDifference(f"{compared.source.noun} of {_row_name(compared.part, key)}, {name}", says, events)


def _row_name(part: Part, key: Key) -> str:
    subject, span, start, partner_id, *keys = key
    whose = f"program {part.program_id}"
    if part.level != "program":
        whose += f", {part.level} {subject}"
    owner = f", shown to partner {partner_id}" if partner_id and part.level == "link" else ""
    named = "".join(f", {key!r}" for key in keys)
    return f"{whose}, {SPAN_NAMES.get(span, span)} from {readable_moment(start)}{owner}{named}"


def readable_moment(stored: Any) -> str:
    """Return a moment, given in microseconds since 1970, for people; or as it is, where it is none."""
    moment = moment_or_none(stored)
    return repr(stored) if moment is None else moment.isoformat()


def moment_or_none(stored: Any) -> datetime | None:
    """Return the moment that a number of microseconds since 1970 stands for; None for anything else."""
    if not isinstance(stored, int):
        return None
    try:
        return EPOCH + timedelta(microseconds=stored)
    except OverflowError:
        return None
