"""The parameters of a page's statement, from the values that a client gave.

GraphQL and the exports share them, so filters and cursors mean the same in both, and are refused for the same reasons.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from db.segments.questions import Condition
from graph.domain.errors import FieldInvalid
from graph.query.cursors import decode_cursor, list_mark
from graph.query.dimension_conditions import clock_values, condition_value, form_of, parameter_of
from graph.query.entities import ENTITIES
from graph.query.entity import Filter
from graph.query.global_ids import decode_key
from graph.query.plan import NEEDS_HORIZON, ConditionForm, PagePlan
from graph.reports.calendars import zone_of

WHERE, TIMEZONE = "where", "timezone"
"""The filters of a list of clicks that are not in `graph.query.entities`: conditions on dimensions, as
`graph.schema.dimension_conditions` returns them, and the time zone of their hours and days."""


class GivenFilter(NamedTuple):
    """The value of a filter, which is not null, and the filter's name as the client spelled it."""

    spelled: str
    value: Any


def filter_names(filters: Mapping[str, GivenFilter]) -> tuple[str, ...]:
    """Return the names of the entity's filters among those given: what a plan has of them."""
    return tuple(name for name in filters if name not in (WHERE, TIMEZONE))


def condition_forms(filters: Mapping[str, GivenFilter]) -> tuple[ConditionForm, ...]:
    """Return what a plan has of the conditions on dimensions."""
    return tuple(map(form_of, _conditions(filters)))


def page_values(
    page: PagePlan, size: int, filters: Mapping[str, GivenFilter], cursors: Mapping[str, str]
) -> dict[str, Any]:
    """Return the parameters of a page with at most `size` rows. `filters` are keyed by the names of the entity's
    filters, `WHERE` and `TIMEZONE`, and `cursors` by the page's bounds. Raises `FieldInvalid`."""
    own = ENTITIES[page.entity].filters
    given = {name: _filter_values(own[name], filters[name]) for name in filter_names(filters)}
    conditions = {number: condition_value(each) for number, each in enumerate(_conditions(filters))}
    clocks = _clocks(filters)
    asked = {**given, **_conditions_asked(page, conditions, clocks)}
    mark = list_mark(page.entity, f"{page.order} {page.descending}", asked)
    named: dict[str, Any] = {"size": size, "limit": size + 1, "mark": mark, **clocks}
    named |= {parameter_of(number): value for number, value in conditions.items()}
    for name, values in given.items():
        named |= {f"{name}{number}": value for number, value in enumerate(values)}
    order = ENTITIES[page.entity].orders[page.order]
    for bound in page.bounds:
        named[bound] = cursors[bound]
        position = decode_cursor(cursors[bound], mark, order.sorts, bound)
        named |= {f"{bound}{number}": value for number, value in enumerate(position)}
    found = {page.value(name): value for name, value in named.items()}
    if order.horizon is not None and not page.reads_descending:
        found[NEEDS_HORIZON] = True
    return found


def _conditions(filters: Mapping[str, GivenFilter]) -> Sequence[Condition]:
    return filters[WHERE].value if WHERE in filters else ()


def _clocks(filters: Mapping[str, GivenFilter]) -> Mapping[str, Sequence[int]]:
    """Return the parameters of the conditions on hours and days."""
    zone = "UTC"
    if TIMEZONE in filters:
        zone = zone_of(filters[TIMEZONE].value, filters[TIMEZONE].spelled).key
    if WHERE not in filters:
        return {}
    times = {name: filter.value for name, filter in filters.items()}
    return clock_values(_conditions(filters), zone, times, filters[WHERE].spelled)


def _conditions_asked(
    page: PagePlan, values: Mapping[int, Any], clocks: Mapping[str, Sequence[int]]
) -> Mapping[str, Any]:
    """Return what tells a list with conditions from others; of a time zone, its offsets."""
    return {WHERE: [*zip(page.conditions, values.values(), strict=True)], **clocks} if values else {}


def _filter_values(filter: Filter, given: GivenFilter) -> tuple[Any, ...]:
    """Return the parameters of a filter's condition."""
    if filter.names is not None:
        return decode_key(given.value, filter.names, given.spelled)
    return (_plain(filter, given),)


def _plain(filter: Filter, given: GivenFilter) -> Any:
    value = given.value
    if isinstance(value, Enum):
        return value.value
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise FieldInvalid(given.spelled, "must not contain NUL characters")
    return value if filter.spell is None else filter.spell(value)
