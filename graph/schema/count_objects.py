"""Turns the counts of reports into objects of the response."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

from msgspec import Struct

from graph.domain.money import Money
from graph.execution.selections import SelectedField
from graph.query.amounts import money_formatter
from graph.query.response_objects import build_objects, object_type
from graph.schema.planner import plain_parts

NOTHING: Mapping[str, Sequence[Any]] = {}
VISITORS = "visitors"
CONVERSION_FIELDS = {"leads", "sales", "revenue", "earnings", "conversion_rate"}
CLICK_FIELDS = {"clicks", "people", "bots", "customers", "conversion_rate"}
COUNT_FIELDS = {*CLICK_FIELDS, *CONVERSION_FIELDS, VISITORS}
MONEY_FIELDS = {"revenue", "earnings"}


def names_in(part: SelectedField) -> set[str]:
    """Return the names of the fields that are selected under a field."""
    return {each.name_or_typename for each in part.subfields()}


def count_objects(
    part: SelectedField, rows: Sequence[Any], *names: str, found: Mapping[str, Sequence[Any]] = NOTHING
) -> Sequence[Struct]:
    """Turn rows into objects. `names` are the attributes of a row besides its counts, and `found` are the values of
    other fields by response key; those without values are null."""
    selected = part.subfields()
    new = object_type([each.response_key for each in selected])
    counts = [row.counts for row in rows]

    def values(each: SelectedField) -> Iterable[Any]:
        if each.is_typename:
            return repeat(each.parent_type_name, len(rows))
        name = each.name
        if name in MONEY_FIELDS:
            return map(amounts_formatter(each), map(attrgetter(name), counts))
        if name in COUNT_FIELDS:
            return map(attrgetter(name), counts)
        if name in names:
            return map(attrgetter(name), rows)
        return found.get(each.response_key) or repeat(None, len(rows))

    return build_objects(new, map(values, selected), len(rows))


def amounts_formatter(part: SelectedField) -> Callable[[Sequence[Money]], Sequence[Any]]:
    """Return the function that turns amounts into objects with the selected fields."""
    show = money_formatter(plain_parts(part.subfields()))
    return lambda amounts: [show(amount) for amount in amounts]
