"""Which segments a new one takes in, so that a program has few segments and each event is written anew a few times."""

from collections.abc import Sequence
from typing import TypeVar

# Some four megabytes: a question decodes it in about ten milliseconds.
FULL_EVENTS = 200_000
# A new segment takes in one that has up to so many times as many events as the new one has by then. With lots of ten
# thousand events, each is written three times; at four times as many, nearly five times.
GROWTH = 1

Segment = TypeVar("Segment", bound=tuple[int, int])


def merged_with(segments: Sequence[Segment], events: int) -> Sequence[Segment]:
    """Return which of a program's segments, given as (id, events), a new one of so many events takes in: the youngest
    ones, as long as they are not much larger and the result is not too large."""
    taken: list[Segment] = []
    for segment in sorted(segments, reverse=True):
        size = segment[1]
        if size > GROWTH * events or events + size > FULL_EVENTS:
            break
        taken.append(segment)
        events += size
    return taken
