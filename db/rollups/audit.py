"""Recount the events against every row of the rollups, part by part, so that memory stays bounded."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.sql.selectable import CTE

from db.engine.backend.protocol import Source
from db.rollups.dimensions import COUNTERS, DAY, HOUR, QUARTER, SPANS
from db.rollups.recount import (
    PART_EVENTS,
    Key,
    Part,
    Rows,
    added_up,
    expected_rows,
    kept_rows,
    parts_of,
    waiting_in,
)
from db.schema.clicks import ClickEvent
from db.schema.columns import EPOCH
from db.schema.programs import Program
from db.schema.rollups import ClickRollup
from db.sql.compiled_queries import CompiledQuery

SPAN_NAMES = {DAY: "day", HOUR: "hour", QUARTER: "quarter of an hour"}
KIND = itemgetter(1, 2)
NOTHING = (0,) * len(COUNTERS)


class Compared(NamedTuple):
    """A part, with the rows that its events add up to and those that the table has."""

    part: Part
    expected: Rows
    kept: Rows

    def wrong(self) -> Iterator[Key]:
        """Yield the key of each row that is wrong, missing or too many."""
        if self.expected == self.kept:
            return
        for key in self.expected.keys() | self.kept.keys():
            if self.expected.get(key, NOTHING) != self.kept.get(key, NOTHING):
                yield key


class RowDifference(NamedTuple):
    """A counter of a row that does not say what the events say."""

    name: str
    kept: Any
    expected: int


def _all_programs() -> CompiledQuery:
    """Return the query for every program that has events or rollups, or is one: from one to the next through the keys,
    of which there are far fewer than rows."""
    steps: list[CTE] = []
    for number, program_id in enumerate((ClickEvent.program_id, ClickRollup.program_id)):
        step = select(func.min(program_id).label("id")).cte(f"step_{number}", recursive=True)
        following = select(func.min(program_id)).where(program_id > step.c.id).scalar_subquery()
        steps.append(step.union_all(select(following).where(step.c.id.is_not(None))))
    found = select(Program.id).union(*(select(step.c.id).where(step.c.id.is_not(None)) for step in steps)).subquery()
    return CompiledQuery(select(found.c.id).order_by(found.c.id))


PROGRAMS = _all_programs()
KINDS = CompiledQuery(
    select(ClickRollup.level, ClickRollup.dimension, ClickRollup.span_seconds, func.count())
    .group_by(ClickRollup.level, ClickRollup.dimension, ClickRollup.span_seconds)
    .order_by(ClickRollup.level, ClickRollup.dimension, ClickRollup.span_seconds.desc())
)
KNOWN_KINDS = [(level, name, span) for level, kept in SPANS.items() for name, spans in kept.items() for span in spans]


async def programs_in(source: Source) -> list[int]:
    """Return the id of every program that there is, or of which anything is left."""
    return [id for (id,) in await source.fetch(PROGRAMS, {})]


async def compared_parts(source: Source, size: int = PART_EVENTS) -> AsyncIterator[Compared]:
    """Compare everything, in one snapshot. Reads every event once for each level."""
    for program_id in await programs_in(source):
        waiting = await waiting_in(source, program_id)
        for level in SPANS:
            for part in await parts_of(source, program_id, level, size):
                events = await expected_rows(source, part)
                yield Compared(part, added_up(events, waiting, level), await kept_rows(source, part))


class RollupFigures:
    """How many rows were compared, by level, dimension and span."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str, int]] = Counter()

    def add(self, compared: Compared) -> None:
        """Count a part's rows."""
        kinds = Counter(map(KIND, compared.kept))
        if compared.kept.keys() != compared.expected.keys():
            kinds.update(map(KIND, compared.expected.keys() - compared.kept.keys()))
        for (dimension, span), rows in kinds.items():
            self._rows[compared.part.level, dimension, span] += rows

    @property
    def total(self) -> int:
        """The number of all rows."""
        return self._rows.total()

    def listed(self) -> list[dict[str, Any]]:
        """Return the numbers, those of every kind of row that is kept."""
        kinds = [*KNOWN_KINDS, *sorted(self._rows.keys() - set(KNOWN_KINDS), key=str)]
        names = ("level", "dimension", "span_seconds", "rows")
        return [dict(zip(names, (*kind, self._rows[kind]), strict=True)) for kind in kinds]


async def strange_kinds(source: Source) -> list[tuple[str, int]]:
    """Return how many rows there are of each level, dimension and span that no report reads, with a name of it."""
    return [
        (f"rollups of level {level}, dimension {dimension}, span {span}", rows)
        for level, dimension, span, rows in await source.fetch(KINDS, {})
        if (level, dimension, span) not in KNOWN_KINDS
    ]


def differences_in(compared: Compared) -> Iterator[RowDifference]:
    """Yield each counter that differs."""
    for key in sorted(compared.wrong(), key=str):
        expected, kept = compared.expected.get(key, NOTHING), compared.kept.get(key, NOTHING)
        for name, says, events in zip(COUNTERS, kept, expected, strict=True):
            if says != events:
                yield RowDifference(f"rollups of {_row_name(compared.part, key)}, {name}", says, events)


def _row_name(part: Part, key: Key) -> str:
    subject, dimension, span, start, value, partner_id = key
    whose = f"program {part.program_id}"
    if part.level != "program":
        whose += f", {part.level} {subject}"
    what = "total" if dimension == "total" and not value else f"{dimension} {value!r}"
    owner = f", shown to partner {partner_id}" if partner_id and part.level == "link" else ""
    return f"{whose}, {what}, {SPAN_NAMES.get(span, span)} from {readable_moment(start)}{owner}"


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
