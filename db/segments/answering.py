"""Answers breakdowns: groups are counted, ordered and cut to a page; the rest is what remains of the totals."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import polars as pl

from db.rollups.sums import BOOKED
from db.segments.columns import CURRENCY
from db.segments.counting import COUNTS, Counted, counts
from db.segments.grouping import Grouping, amounts
from db.segments.names import Names
from db.segments.ordering import NUMBER, Ordering, compared_by_name
from db.segments.packed_clicks import GROUP
from db.segments.questions import NOTHING, SUBJECTS, Amount, Answer, Breakdown, Chosen, Cursor, Group, Key, Order, Sums
from db.segments.scan import ColumnWidened, Scan
from db.segments.searching import searched

FindNames = Callable[[str, Collection[int]], Awaitable[Mapping[int, str]]]
"""Find the names of programs, partners or links, by their ids."""
SUMS, AMOUNTS = ("leads", "sales"), ("revenue", "earnings")


@dataclass(frozen=True, slots=True)
class Events:
    """The clicks and the bookings of a report, in one snapshot of the database."""

    clicks: Scan
    bookings: Scan
    names: FindNames

    async def answer(self, chosen: Chosen, breakdown: Breakdown) -> Answer:
        """Answer a breakdown. Raises `SegmentDamaged`, `QuestionTooLarge`."""
        while True:
            try:
                return await self._answer(chosen, breakdown)
            except ColumnWidened:
                # At most once for each column that is asked.
                continue

    async def _answer(self, chosen: Chosen, breakdown: Breakdown) -> Answer:
        grouping = Grouping(breakdown.by)
        counted = await counts(
            self.clicks, chosen, grouping, with_visitors=breakdown.with_visitors or breakdown.order is Order.VISITORS
        )
        booked = await self._booked(chosen, grouping, breakdown)
        groups = await asyncio.to_thread(_all_groups, counted.groups, booked, breakdown.by)
        names = await self._names(groups, breakdown)
        groups = await asyncio.to_thread(searched, groups, breakdown, names)
        ordering = Ordering(breakdown, names)
        page = await asyncio.to_thread(_page, ordering, groups)
        rest = _rest(page, booked, breakdown)
        if breakdown.with_visitors and len(page.rest):
            rest = replace(rest, visitors=await self._visitors_of_rest(chosen, breakdown, page, counted))
        del counted  # which may take a hundred megabytes
        series = await self._series(chosen, breakdown, page.shown)
        return Answer(
            groups=_listed(page.shown, booked, breakdown.by, series),
            total_count=len(groups),
            rest=rest,
            has_next=page.has_next,
        )

    async def _booked(self, chosen: Chosen, grouping: Grouping, breakdown: Breakdown) -> pl.DataFrame:
        bookings = self.bookings if breakdown.with_conversions else self.bookings.without_events()
        return await amounts(bookings, chosen, grouping)

    async def _names(self, groups: pl.DataFrame, breakdown: Breakdown) -> Names:
        names: dict[str, Mapping[int, str]] = {}
        compared = await asyncio.to_thread(compared_by_name, groups, breakdown)
        for at, dimension in enumerate(breakdown.by):
            if dimension in SUBJECTS and breakdown.order is not Order.RANKING:
                ids = set(compared[dimension].unique().to_list())
                if breakdown.after:
                    ids.add(breakdown.after.key[at])
                names[dimension] = await self.names(dimension, ids - {None})
        return names

    async def _series(
        self, chosen: Chosen, breakdown: Breakdown, shown: pl.DataFrame
    ) -> Mapping[Key, Mapping[int, Sums]]:
        """Return the sums of the buckets of each group that is shown."""
        if not breakdown.edges or not len(shown):
            return {}
        grouping = Grouping(breakdown.by, breakdown.edges, only=shown.select(breakdown.by))
        counted, _ = await counts(self.clicks, chosen, grouping, with_visitors=breakdown.with_visitors)
        booked = await self._booked(chosen, grouping, breakdown)
        found: dict[Key, dict[int, Sums]] = defaultdict(dict)
        for (*key, bucket), sums in _sums(_all_groups(counted, booked, grouping.keys), booked, grouping.keys).items():
            found[tuple(key)][int(str(bucket))] = sums
        return found

    async def _visitors_of_rest(self, chosen: Chosen, breakdown: Breakdown, page: "_Page", counted: Counted) -> int:
        """Count the visitors of the rest: not a sum, as a customer may be in several groups."""
        if counted.clicks is not None:
            others = counted.groups[GROUP].filter(~counted.groups[GROUP].is_in(page.rest[GROUP].drop_nulls().implode()))
            return await asyncio.to_thread(counted.clicks.visitors_without, others.to_list())
        grouping = Grouping(breakdown.by, only=page.rest.select(breakdown.by), is_together=True)
        found, _ = await counts(self.clicks, chosen, grouping, with_visitors=True)
        return int(found["visitors"].item())


class _Page(NamedTuple):
    shown: pl.DataFrame
    has_next: bool
    rest: pl.DataFrame
    """All groups that follow those on the page, if they are asked for."""


def _rest(page: _Page, booked: pl.DataFrame, breakdown: Breakdown) -> Sums:
    """Add up the rest, but for its visitors."""
    if not len(page.rest):
        return NOTHING
    added_up = page.rest.select(pl.col([*COUNTS, *SUMS]).sum()).row(0, named=True) | {"visitors": 0}
    by_currency = _of(page.rest, booked, breakdown.by).group_by(CURRENCY.name).agg(pl.col(AMOUNTS).sum())
    return Sums(**added_up, amounts=_amounts(by_currency.select(CURRENCY.name, *AMOUNTS).rows()))


def _page(ordering: Ordering, groups: pl.DataFrame) -> _Page:
    breakdown = ordering.breakdown
    following = ordering.after(ordering.numbered(groups), breakdown.after)
    end = breakdown.offset + breakdown.first
    first = ordering.first(following, end + 1)
    rest = following.clear()
    if breakdown.with_rest and breakdown.by:
        rest = following.join(first.head(end), on=list(breakdown.by), how="anti", nulls_equal=True)
    return _Page(first.slice(breakdown.offset, breakdown.first), len(first) > end, rest)


def _all_groups(counted: pl.DataFrame, booked: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the groups that have clicks or bookings that come to anything, with their counts, leads and sales."""
    if not keys:
        return counted.with_columns(pl.lit(booked[name].sum(), dtype=pl.Int64).alias(name) for name in SUMS)
    if not len(booked):
        return counted.with_columns(pl.lit(0, dtype=pl.Int64).alias(name) for name in SUMS)
    counting = booked.filter(pl.any_horizontal(pl.col(name) != 0 for name in BOOKED))
    converted = counting.group_by(keys).agg(pl.col(SUMS).sum())
    found = counted.join(converted, on=list(keys), how="full", coalesce=True, nulls_equal=True)
    return found.with_columns(pl.col([*COUNTS, *SUMS]).fill_null(0))


def _listed(
    shown: pl.DataFrame, booked: pl.DataFrame, by: Sequence[str], series: Mapping[Key, Mapping[int, Sums]]
) -> Sequence[Group]:
    numbers = shown[NUMBER].to_list()
    sums = _sums(shown, booked, by)
    return [
        Group(key, each, Cursor(number, key), series.get(key, {}))
        for (key, each), number in zip(sums.items(), numbers, strict=True)
    ]


def _sums(groups: pl.DataFrame, booked: pl.DataFrame, keys: Sequence[str]) -> Mapping[Key, Sums]:
    """Return the sums of each group, in their order."""
    found: dict[Key, list[tuple[str, int, int]]] = defaultdict(list)
    for *key, currency, revenue, earnings in (
        _of(groups, booked, keys).select(*keys, CURRENCY.name, *AMOUNTS).iter_rows()
    ):
        found[tuple(key)].append((currency, revenue, earnings))
    counted = zip(groups.select(keys).rows() if keys else [()], groups.select(*COUNTS, *SUMS).rows(), strict=True)
    return {key: Sums(*numbers, _amounts(found.get(key, []))) for key, numbers in counted}  # type: ignore[call-arg]  # a row of `COUNTS` and `SUMS`


def _of(groups: pl.DataFrame, booked: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the bookings of groups."""
    return booked.join(groups, on=list(keys), how="semi", nulls_equal=True) if keys else booked


def _amounts(rows: Sequence[tuple[str, int, int]]) -> tuple[Amount, ...]:
    # A lead that earned nothing has no currency.
    return tuple(Amount(*row) for row in sorted(row for row in rows if any(row[1:])))
