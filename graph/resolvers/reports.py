"""Answer click reports: totals, series over time and rankings, from rollups, equal to a recount of the events.

All parts of one report see one snapshot. What it costs grows with the time asked for, not with the clicks in it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from db.database import Source
from db.expressions import TimeRange, range_values
from graph.context import Context
from graph.errors import Unauthenticated, outages
from graph.reports.calendars import Interval, edges, zone_of
from graph.reports.ranges import time_ranges
from graph.reports.report import Bucket, ClickReport, Counts, ReportRequest, Share, Top, check
from graph.reports.selection import Selection
from graph.reports.statements import ranking, series
from graph.scope import Viewer


async def read(context: Context, request: ReportRequest) -> ClickReport:
    """Return a report's parts, with one statement each. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseAway`."""
    if context.viewer is None:
        raise Unauthenticated
    check(request)
    zone, store = zone_of(request.timezone), context.services.store
    # Before the snapshot is taken: whatever was committed by now is in it.
    as_of = context.services.clock()
    with outages():
        async with store.snapshot() as snapshot:
            reader = _Reader(snapshot, context.viewer, request, zone, store.is_sqlite)
            return ClickReport(
                data_as_of=as_of,
                totals=await reader.totals() if request.totals else None,
                series={interval: await reader.series(interval) for interval in request.series},
                tops={top: await reader.top(top) for top in request.tops},
            )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of one report, for one viewer, in one snapshot."""

    source: Source
    viewer: Viewer
    request: ReportRequest
    zone: ZoneInfo
    is_sqlite: bool

    async def totals(self) -> Counts:
        for _, *sums in await self._count(self._ends):
            return self._counts(sums)
        return Counts()

    async def series(self, interval: Interval) -> Sequence[Bucket]:
        # In a thread: it may be thousands of hours, while clicks come in.
        edges_at = await asyncio.to_thread(edges, *self._ends, self.zone, interval)
        counts = {bucket: self._counts(sums) for bucket, *sums in await self._count(edges_at)}
        return [
            Bucket(start, end, counts.get(number, Counts()))
            for number, (start, end) in enumerate(pairwise(at.astimezone(self.zone) for at in edges_at))
        ]

    async def top(self, top: Top) -> Sequence[Share]:
        selection, is_bot = self._selection, self.request.filter.is_bot
        ranges = time_ranges(self._ends, selection.spans(top.by))
        values = self._values(self._ends, ranges) | {"limit": top.limit}
        rows = await self.source.fetch(ranking(selection, top.by, is_bot), values)
        return [Share(value or None, self._counts(sums)) for value, *sums in rows]

    async def _count(self, edges_at: Sequence[datetime]) -> Sequence[Any]:
        """Return, for each bucket in which there were clicks, its number and the sums of `COUNTERS`."""
        ranges = await asyncio.to_thread(time_ranges, edges_at, self._selection.spans())
        return await self.source.fetch(series(self._selection), self._values(edges_at, ranges))

    def _values(self, edges_at: Sequence[datetime], ranges: Sequence[TimeRange]) -> dict[str, Any]:
        chosen = self.request.filter
        ids = {"program_ids": chosen.program_ids, "partner_ids": chosen.partner_ids, "link_ids": chosen.link_ids}
        return range_values(edges_at, ranges, is_sqlite=self.is_sqlite) | ids | self.viewer.values

    @property
    def _ends(self) -> tuple[datetime, datetime]:
        return self.request.start.astimezone(UTC), self.request.end.astimezone(UTC)

    @property
    def _selection(self) -> Selection:
        chosen = self.request.filter
        return Selection(
            self.viewer.eyes,
            of_programs=chosen.program_ids is not None,
            of_partners=chosen.partner_ids is not None,
            of_links=chosen.link_ids is not None,
        )

    def _counts(self, sums: Sequence[int]) -> Counts:
        people, bots, customers, bot_customers = sums
        match self.request.filter.is_bot:
            case None:
                return Counts(people, bots, customers + bot_customers)
            case False:
                return Counts(people, 0, customers)
            case True:
                return Counts(0, bots, bot_customers)
