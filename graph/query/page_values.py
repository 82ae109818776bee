"""The parameters of a page's statement, from the values that a client gave.

GraphQL and the exports share them, so filters and cursors mean the same in both, and are refused for the same reasons.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from graph.domain.errors import FieldInvalid
from graph.query.cursors import decode_cursor, list_mark
from graph.query.entities import ENTITIES
from graph.query.entity import Filter
from graph.query.global_ids import decode_key
from graph.query.plan import NEEDS_HORIZON, PagePlan


class GivenFilter(NamedTuple):
    """The value of a filter, which is not null, and the filter's name as the client spelled it."""

    spelled: str
    value: Any


def page_values(
    page: PagePlan, size: int, filters: Mapping[str, GivenFilter], cursors: Mapping[str, str]
) -> dict[str, Any]:
    """Return the parameters of a page with at most `size` rows. `filters` are keyed by the names of the entity's
    filters, and `cursors` by the page's bounds. Raises `FieldInvalid`."""
    given = {name: _filter_values(ENTITIES[page.entity].filters[name], filter) for name, filter in filters.items()}
    mark = list_mark(page.entity, f"{page.order} {page.descending}", given)
    named: dict[str, Any] = {"size": size, "limit": size + 1, "mark": mark}
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
