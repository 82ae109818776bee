"""Recount the events against the rollups' totals of days: those of every program, partner and link."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.dimensions import COUNTERS, DAY, counts_of
from db.rollups import WAITING, queued
from db.store import Store
from db.tables import ClickEvent, ClickRollup, QueuedClicks

Subject: TypeAlias = tuple[str, int, int]
"""Level, program, and the subject's own id."""
Sums: TypeAlias = defaultdict[Subject, list[int]]
"""`COUNTERS`, in their order."""

_links = (ClickEvent.program_id, ClickEvent.partner_id, ClickEvent.link_id)
STORED = select(*_links, *counts_of(ClickEvent)).group_by(*_links)
QUEUED = STORED.join(QueuedClicks, queued(ClickEvent)).where(WAITING)
_subject = (ClickRollup.level, ClickRollup.program_id, ClickRollup.subject_id)
FOLDED = (
    select(*_subject, *(cast(func.sum(getattr(ClickRollup, name)), BigInteger) for name in COUNTERS))
    .where(ClickRollup.dimension == "total", ClickRollup.span_seconds == DAY)
    .group_by(*_subject)
)


class RollupAudit(NamedTuple):
    """What the rollups, together with what waits to be folded, say of each subject, and what the events say."""

    counted: Sums
    stored: Sums

    @property
    def subjects(self) -> set[Subject]:
        return self.counted.keys() | self.stored.keys()

    def differences(self) -> Iterator[tuple[str, int, int]]:
        """Yield, for each counter that differs, its name, what it says and what the events say."""
        for subject in sorted(self.subjects):
            level, program_id, subject_id = subject
            sides = self.counted[subject], self.stored[subject]
            for name, counted, stored in zip(COUNTERS, *sides, strict=True):
                if counted != stored:
                    yield f"rollups of program {program_id}, {level} {subject_id}, {name}", counted, stored


async def audit_rollups(store: Store, connection: AsyncConnection) -> RollupAudit:
    """Sum everything up in the connection's snapshot. Reads every event."""
    stored, counted = _no_sums(), _no_sums()
    for link in await connection.execute(STORED):
        _add_link(stored, *link)
    await store.prefer_indexes(connection)
    for link in await connection.execute(QUEUED):
        _add_link(counted, *link)
    for level, program_id, subject_id, *counts in await connection.execute(FOLDED):
        _add(counted, (level, program_id, subject_id), counts)
    return RollupAudit(counted, stored)


def _no_sums() -> Sums:
    return defaultdict(lambda: [0] * len(COUNTERS))


def _add_link(sums: Sums, program_id: int, partner_id: int, link_id: int, *counts: int) -> None:
    """Add a link's events to its own sums and to those above it."""
    for level, subject_id in (("program", program_id), ("partner", partner_id), ("link", link_id)):
        _add(sums, (level, program_id, subject_id), counts)


def _add(sums: Sums, subject: Subject, counts: Iterable[int]) -> None:
    sums[subject] = [sum(pair) for pair in zip(sums[subject], counts, strict=True)]
