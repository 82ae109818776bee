"""A report's buckets taken to pieces: as much as possible in whole days, then hours, then quarters of an hour, of which
rollups keep the sums; what is left over has to be counted in the events.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from db.expressions import TimeRange

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = 0
"""The span of a range whose events are counted one by one."""


def time_ranges(edges: Sequence[datetime], spans: Sequence[int]) -> Sequence[TimeRange]:
    """Return the ranges that make up the buckets between edges, each in one bucket and none in two; `spans`, longest
    first, are those of which there are rollups."""
    return [
        TimeRange(bucket, span, start, end)
        for bucket, (first, last) in enumerate(pairwise(edges))
        for span, start, end in _cover(first, last, spans)
    ]


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
