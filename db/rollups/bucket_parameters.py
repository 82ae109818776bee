"""The parameters of statements with buckets, as `db.rollups.buckets` reads them on each of the two databases."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from db.rollups.buckets import EVENTS, Kind, Moved, Pieces, TimeRange
from db.schema.columns import microseconds


def bucket_values(pieces: Pieces, *, is_sqlite: bool) -> dict[str, str]:
    """Return the parameters of a statement with `ranges_table` or `MovedRollups`."""
    values: dict[str, str] = {}
    # Between midnights that are not the buckets' own, only the range of days starts where its bucket's rows do.
    days_only = bool(pieces.moved)
    for name, ranges, longest_only in (("whole", pieces.whole, days_only), ("shortest", pieces.shortest, False)):
        if is_sqlite:
            values[name] = _json(ranges, microseconds)
        else:
            values |= _joined_values(name, ranges, longest_only=longest_only)
    for kind, moved in _by_kind(pieces.moved).items():
        name, rows = kind.parameter, sorted(moved)
        if is_sqlite:
            values[name] = _json(((bucket, at) for at, bucket in rows), microseconds)
        else:
            values[f"{name}_moments"] = _array(at.timestamp() for at, _ in rows)
            values[f"{name}_buckets"] = _array(bucket for _, bucket in rows)
    return values


def _by_kind(moved: Iterable[Moved]) -> Mapping[Kind, Sequence[tuple[datetime, int]]]:
    """Return moments and buckets; of one kind, no moment is there twice."""
    kinds: defaultdict[Kind, list[tuple[datetime, int]]] = defaultdict(list)
    for kind, bucket, at in moved:
        kinds[kind].append((at, bucket))
    return kinds


def _joined_values(name: str, ranges: Sequence[TimeRange], *, longest_only: bool) -> dict[str, str]:
    """Return ranges of which those that touch are one, all or only those of the longest span; and the moments at which
    their buckets start."""
    longest = max((each.span_seconds for each in ranges), default=EVENTS)
    joined = [each for each in ranges if not longest_only or each.span_seconds == longest]
    rows = [*_joined(joined), *(each for each in ranges if longest_only and each.span_seconds != longest)]
    return {name: _json(rows, _text), f"{name}_moments": _array(start.timestamp() for start in _starts(joined))}


def _joined(ranges: Iterable[TimeRange]) -> Iterator[TimeRange]:
    former: TimeRange | None = None
    for one in ranges:
        if former is not None and (former.span_seconds, former.end_at) == (one.span_seconds, one.start_at):
            former = former._replace(bucket=None, end_at=one.end_at)
            continue
        if former is not None:
            yield former
        former = one
    if former is not None:
        yield former


def _starts(ranges: Iterable[TimeRange]) -> Sequence[datetime]:
    """Return where each bucket's first range starts; for a bucket without any, the next one's start."""
    starts: list[datetime] = []
    for bucket, _, start, _ in ranges:
        starts += [start] * ((bucket or 0) + 1 - len(starts))
    return starts


def _array(numbers: Iterable[float]) -> str:
    # Each is the double that is nearest.
    return f"{{{','.join(map(str, numbers))}}}"


def _json(rows: Iterable[tuple[Any, ...]], moment: Callable[[datetime], Any]) -> str:
    return json.dumps([[moment(value) if isinstance(value, datetime) else value for value in row] for row in rows])


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
