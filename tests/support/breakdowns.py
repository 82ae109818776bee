"""Breakdowns of a report in plain Python, counted from events and from the facts about conversions."""

from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any
from zoneinfo import ZoneInfo

from db.segments.questions import TIMES, Condition, HasPrefix, In, IsKnown, Order
from graph.reports.requests import BreakdownRequest, Counts
from tests.support.conversion_history import converted
from tests.support.report_world import VALUES, Event, with_visitors

Value = str | int | None
NAMES: Mapping[str, Callable[[int], str]] = {
    "program": lambda number: f"Program {number}",
    "partner": lambda number: f"Partner {number}",
    "link": lambda number: f"L{number}",
}


def value(event: Event, dimension: str, zone: str) -> Value:
    """Return an event's value in a dimension."""
    if dimension in NAMES:
        return int(event[f"{dimension}_id"])
    local = event["occurred_at"].astimezone(ZoneInfo(zone))
    if dimension == "hour_of_day":
        return int(local.hour)
    if dimension == "day_of_week":
        return int(local.weekday())
    return {str(by): of for by, of in VALUES.items()}[dimension](event) or None


def meets(event: Event, conditions: Sequence[Condition], zone: str) -> bool:
    """Return whether an event meets all conditions."""
    return all(_meets(value(event, condition.dimension, zone), condition) for condition in conditions)


def _meets(found: Value, condition: Condition) -> bool:
    match condition:
        case In(_, values, is_excluded):
            return (found in values) is not is_excluded
        case HasPrefix(_, prefix):
            return found is not None and str(found).startswith(prefix)
        case IsKnown(_, is_known):
            return (found is not None) is is_known


def groups(
    events: Sequence[Event], facts: Sequence[Event], asked: BreakdownRequest, zone: str
) -> list[tuple[tuple[Value, ...], Counts]]:
    """Return all groups in order, or those that are searched for, with their counts."""
    clicks: dict[Any, list[Event]] = {}
    happened: dict[Any, list[Event]] = {}
    for listed, by_key in ((events, clicks), (facts, happened)):
        for event in listed:
            by_key.setdefault(tuple(value(event, dimension, zone) for dimension in asked.by), []).append(event)
    found = []
    for key in filter(lambda key: _is_searched(key, asked), clicks.keys() | happened.keys()):
        counts = converted(with_visitors(clicks.get(key, [])), happened.get(key, []))
        if counts != Counts():
            found.append((key, counts))
    return sorted(found, key=cmp_to_key(lambda one, other: _compare(one, other, asked)))


def _is_searched(key: tuple[Value, ...], asked: BreakdownRequest) -> bool:
    if asked.search is None:
        return True
    texts = [
        NAMES[dimension](int(each)).upper() if dimension in NAMES else str(each).upper()
        for dimension, each in zip(asked.by, key, strict=True)
        if each is not None and dimension not in TIMES
    ]
    return any(wanted.upper() in text for text in texts for wanted in asked.search)


def _compare(one: Any, other: Any, asked: BreakdownRequest) -> int:
    if asked.order is not Order.VALUE:
        numbers = [getattr(counts, asked.order.value) for _, counts in (one, other)]
        if numbers[0] != numbers[1]:
            return 1 if (numbers[0] < numbers[1]) is asked.is_descending else -1
    for dimension, first, second in zip(asked.by, one[0], other[0], strict=True):
        if first != second:
            if first is None or second is None:
                return 1 if first is None else -1
            shown = NAMES.get(dimension, lambda each: each)
            is_later = shown(first) > shown(second)
            return 1 if is_later is not (asked.order is Order.VALUE and asked.is_descending) else -1
    return 0
