"""Divides the buckets of a report into ranges: as much as possible in whole days, then hours, then quarters of an hour,
for which there are rollups. Events are counted in what remains.

If local days do not begin when UTC days do, buckets are made of UTC days, and the few hours between the two midnights
are moved from one bucket to the other. A day in Berlin then takes two hours to look up rather than twenty-four.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from db.rollups.buckets import EVENTS, Kind, Moved, Pieces, TimeRange

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NONE = timedelta(0)
# Looking up one rollup costs as much as reading three or four in sequence, and each is added once and subtracted once.
MOST_MOVED = 0.25


def pieces(edges: Sequence[datetime], spans: Sequence[int]) -> Pieces:
    """Return the ranges that make up the buckets between the edges. `spans` are the lengths of the available rollups in
    seconds, longest first."""
    whole: list[TimeRange] = []
    moved: list[Moved] = []
    for bucket, ((start, end), days) in enumerate(zip(pairwise(edges), _days_of(edges, spans), strict=True)):
        if days is None:
            whole += _ranges(bucket, start, end, spans)
            continue
        first, last = days
        whole += _ranges(bucket, first, last, spans)
        moved += _moved(bucket, start, first, spans[1:2])
        moved += _moved(bucket, last, end, spans[1:2])
    shortest = [each for bucket, ends in enumerate(pairwise(edges)) for each in _ranges(bucket, *ends, spans[-1:])]
    return Pieces([each for each in whole if each.span_seconds != EVENTS], moved, shortest)


def _days_of(edges: Sequence[datetime], spans: Sequence[int]) -> Sequence[tuple[datetime, datetime] | None]:
    """Return the days in UTC from which few rollups have to be moved for each bucket; None for one made of ranges.

    Most buckets are of one sort, or all are made of ranges: those of several buckets are read at once only if none is
    moved, and the cut off bucket at an end of the period may need fewer moves than the others."""
    found: list[tuple[datetime, datetime] | None] = []
    for start, end in pairwise(edges):
        first, last = (_nearest(moment, spans[:2]) or moment for moment in (start, end))
        is_near = first < last and abs(first - start) + abs(last - end) <= MOST_MOVED * (end - start)
        found.append((first, last) if is_near else None)
    return found if 2 * found.count(None) < len(found) else [None] * len(found)


def _nearest(moment: datetime, spans: Sequence[int]) -> datetime | None:
    """Return the nearest start of the longest span, if whole shorter spans lead up to it."""
    longest, shorter = timedelta(seconds=spans[0]), timedelta(seconds=spans[-1])
    if (moment - EPOCH) % shorter:
        return None
    after = (moment - EPOCH) % longest
    return moment - after + (longest if after > longest / 2 else NONE)


def _moved(bucket: int, start: datetime, end: datetime, spans: Sequence[int]) -> Iterator[Moved]:
    """Yield the rollups between two times, added to the bucket or, if the times are in reverse order, subtracted from
    it."""
    weight = 1 if start <= end else -1
    for seconds, first, last in _cover(min(start, end), max(start, end), spans):
        if seconds != EVENTS:
            span = timedelta(seconds=seconds)
            for number in range((last - first) // span):
                yield Moved(Kind(weight, seconds), bucket, first + number * span)


def _ranges(bucket: int, start: datetime, end: datetime, spans: Sequence[int]) -> Iterator[TimeRange]:
    return (TimeRange(bucket, *piece) for piece in _cover(start, end, spans))


def _cover(start: datetime, end: datetime, spans: Sequence[int]) -> Iterator[tuple[int, datetime, datetime]]:
    if start >= end:
        return
    if not spans:
        yield EVENTS, start, end
        return
    span = timedelta(seconds=spans[0])
    whole_start, whole_end = EPOCH - (EPOCH - start) // span * span, EPOCH + (end - EPOCH) // span * span
    if whole_start >= whole_end:
        yield from _cover(start, end, spans[1:])
        return
    yield from _cover(start, whole_start, spans[1:])
    yield spans[0], whole_start, whole_end
    yield from _cover(whole_end, end, spans[1:])
