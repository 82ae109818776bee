"""Divides the ranges of a portion, so that a consumer reads a few events at a time."""

from collections.abc import Iterator, Sequence

from db.outbox.consumer import Range


def slices_of(ranges: Sequence[Range], size: int) -> Iterator[Sequence[int]]:
    """Yield the ids of ranges, as many at a time as have so many events; at least one."""
    ids: list[int] = []
    events = 0
    for range_ in ranges:
        if ids and events + range_.events > size:
            yield ids
            ids, events = [], 0
        ids.append(range_.id)
        events += range_.events
    if ids:
        yield ids
