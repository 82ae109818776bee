"""Reads click reports, equal to a recount of the events; all parts of one see the same snapshot.

Totals and series come from rollups. Whatever depends on dimensions or on distinct visitors comes from segments.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from db.engine.backend.protocol import Source
from db.errors import SegmentDamaged
from db.segments.answering import Events
from db.segments.columns import BOOKING_SEGMENTS, CLICK_SEGMENTS
from db.segments.grouping import MOST_GROUPS, QuestionTooLarge
from db.segments.service import QuestionTooLong
from graph.domain import reading
from graph.domain.context import Context
from graph.domain.errors import ReportTooLarge, Unauthenticated, outages
from graph.domain.reading import ReadFrom
from graph.domain.scope import Viewer
from graph.reports.calendars import zone_of
from graph.reports.drilldown import Drilldown, columns_of
from graph.reports.filters import ClickSelection
from graph.reports.named_links import with_visible_links
from graph.reports.names import names
from graph.reports.requests import ClickReport, Counts, ReportRequest, check
from graph.reports.rollup_reader import RollupReader, statements_of
from graph.reports.segment_reader import SegmentReader


async def read(context: Context, request: ReportRequest) -> ClickReport:
    """Return the parts of a report. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseAway`, `ReportTooLarge`."""
    if context.viewer is None:
        raise Unauthenticated
    check(request)
    viewer, zone = context.viewer, zone_of(request.timezone)

    async def read_from(source: ReadFrom) -> ClickReport:
        with outages():
            chosen = await with_visible_links(request.filter, viewer, source.store)
            reader = _Reader(context, viewer, replace(request, filter=chosen), zone, source)
            return await reader.drilled_down() if reader.needs_segments else await reader.from_rollups()

    return await reading.read(context, read_from)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one report for one viewer."""

    context: Context
    viewer: Viewer
    request: ReportRequest
    zone: ZoneInfo
    read_from: ReadFrom

    @property
    def needs_segments(self) -> bool:
        request = self.request
        of_visitors = request.visitors or request.visitor_series
        of_dimensions = request.tops or request.breakdowns or request.filter.where
        return bool(of_visitors or of_dimensions)

    async def from_rollups(self) -> ClickReport:
        """Read a report that needs no segments."""
        # Taken before the snapshot, so that everything committed by then is in it.
        as_of = self._as_of()
        store = self.read_from.store
        if statements_of(self.request) == 1:  # its own snapshot
            return await self._report(as_of, self._rollups(store), None)
        async with store.snapshot() as source:
            return await self._report(as_of, self._rollups(source), None)

    async def drilled_down(self) -> ClickReport:
        """Read a report that needs segments. If one turns out to be damaged, they are made anew."""
        segments = self.context.services.segments
        try:
            async with segments.turn():
                try:
                    return await self._drilled_down()
                except SegmentDamaged as damage:
                    await segments.make_anew(damage)
                    on_primary = replace(self, read_from=ReadFrom(self.context.services.store))
                    return await on_primary._drilled_down()
        except QuestionTooLong:
            raise ReportTooLarge(f"takes longer than {segments.seconds:g} seconds") from None
        except QuestionTooLarge:
            raise ReportTooLarge(f"has more than {MOST_GROUPS} rows, or needs too much memory") from None

    async def _drilled_down(self) -> ClickReport:
        as_of = self._as_of()
        async with self.read_from.store.snapshot() as source:
            drilldown = await self._drilldown(source)
            return await self._report(as_of, self._rollups(source), drilldown)

    async def _drilldown(self, source: Source) -> Drilldown:
        services, columns = self.context.services, columns_of(self.request)
        services.segments.cache.forget_former_lists()
        reader = SegmentReader(source, self._selection, self._values, services.segments.cache, services.store.is_sqlite)
        clicks = await reader.open(CLICK_SEGMENTS, columns)
        bookings = await reader.open(BOOKING_SEGMENTS, columns)
        return Drilldown(Events(clicks, bookings, partial(self._names, source)), self.viewer, self.request, self.zone)

    async def _names(self, source: Source, dimension: str, ids: Collection[int]) -> Mapping[int, str]:
        values = {**self.viewer.values, "ids": sorted(ids)}
        return dict(await source.fetch(names(dimension, self.viewer.audience), values))

    def _rollups(self, source: Source) -> RollupReader:
        is_sqlite = self.context.services.store.is_sqlite
        return RollupReader(source, self._selection, self._values, self.request, self.zone, is_sqlite)

    async def _report(self, as_of: datetime, rollups: RollupReader, drilldown: Drilldown | None) -> ClickReport:
        """Read each part from where it can be read."""
        request = self.request

        def reader(*, is_drilled: bool = False) -> RollupReader | Drilldown:
            return drilldown if drilldown and (request.filter.where or is_drilled) else rollups

        series = {each: await reader(is_drilled=each in request.visitor_series).series(each) for each in request.series}
        totals = await reader().totals(series)
        if drilldown and request.visitors and not request.filter.where:
            counted = await drilldown.totals() or Counts()
            totals = structs.replace(totals or Counts(), visitors=counted.visitors)
        return ClickReport(
            data_as_of=as_of,
            totals=totals,
            series=series,
            tops={each: await drilldown.top(each) for each in request.tops} if drilldown else {},
            breakdowns={each: await drilldown.breakdown(each) for each in request.breakdowns} if drilldown else {},
        )

    def _as_of(self) -> datetime:
        """Return the time up to which a snapshot that is opened next shows every commit."""
        return self.read_from.as_of or self.context.services.clock()

    @property
    def _selection(self) -> ClickSelection:
        wanted = self.request.filter
        return ClickSelection(
            self.viewer.audience,
            of_programs=wanted.program_ids is not None,
            of_partners=wanted.partner_ids is not None,
            of_links=wanted.link_ids is not None,
        )

    @property
    def _values(self) -> Mapping[str, Any]:
        wanted = self.request.filter
        ids = {"program_ids": wanted.program_ids, "partner_ids": wanted.partner_ids, "link_ids": wanted.link_ids}
        return {**ids, **self.viewer.values}
