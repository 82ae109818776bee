"""From a selection to the shapes that `graph.query` reads, and the values that go with them."""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution.values import VariableValues
from strawberry.utils.str_converters import to_snake_case

from graph.domain.errors import FieldInvalid
from graph.execution.selections import Arguments, Place, Selection
from graph.query.cursors import decode_cursor, list_mark
from graph.query.entities import CATALOGUE
from graph.query.entity import Filter
from graph.query.global_ids import decode_key
from graph.query.plan import (
    FOLLOWS,
    Cursor,
    Edges,
    Field,
    Info,
    Many,
    Nodes,
    One,
    Page,
    PagePart,
    Total,
    Typename,
    Wanted,
)
from graph.schema.inputs import OrderDirection

PAGE_ROWS = 20
LARGEST_PAGE = 100
# By their names in the schema.
BOUNDS = ("after", "before")


class PageArguments(NamedTuple):
    """A page of a shape, the arguments that tell its values, and where those stand."""

    page: Page
    arguments: Arguments
    place: Place

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return the values that the shape names. Raises `GraphQLError`, in the page's own place."""
        with self.place:
            return self._values(variables)

    def _values(self, variables: VariableValues) -> dict[str, Any]:
        page, given = self.page, self.arguments.given(variables)
        filters = _filters(page.kind, given.get("filter"))
        size = _size(given)
        mark = list_mark(page.kind, f"{page.order} {page.descending}", filters)
        named: dict[str, Any] = {"size": size, "limit": size + 1, "mark": mark}
        for name, values in filters.items():
            named |= {f"{name}{number}": value for number, value in enumerate(values)}
        order = CATALOGUE[page.kind].orders[page.order]
        for bound in page.bounds:
            sorts = order.sorts
            named[bound] = given[bound]
            position = decode_cursor(given[bound], mark, sorts, bound)
            named |= {f"{bound}{number}": value for number, value in enumerate(position)}
        found = {page.value(name): value for name, value in named.items()}
        if order.horizon is not None and not page.reads_descending:
            found[FOLLOWS] = True
        return found


class Shape(NamedTuple):
    """A selection without its values, which serves every request of its form."""

    wanted: Any
    pages: Sequence[PageArguments]

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return the values of one request. Raises `GraphQLError` for arguments that make no sense."""
        found: dict[str, Any] = {}
        for page in self.pages:
            found |= page.values(variables)
        return found


def page_shape(selection: Selection) -> Shape:
    """Return what is wanted of a list's page."""
    shaping = Shaping()
    return Shape(shaping.page(selection), shaping.pages)


def row_shape(selection: Selection, type_: GraphQLObjectType | None = None) -> Shape:
    """Return what is wanted of a row; of its field's type, or of a narrower one."""
    shaping, row_type = Shaping(), type_ or selection.type
    return Shape(shaping.wanted(row_type, selection.under(row_type)), shaping.pages)


class Shaping:
    """Shapes of one request; `pages` gathers the pages in them."""

    def __init__(self) -> None:
        self.pages: list[PageArguments] = []

    def wanted(self, type_: GraphQLObjectType, selections: Sequence[Selection]) -> Wanted:
        """Return what is wanted of a row of a type."""
        return Wanted(type_.name, tuple(self._part(type_, selection) for selection in selections))

    def page(self, selection: Selection) -> Page:
        """Return what is wanted of a list's page."""
        kind = get_named_type(selection.type.fields["nodes"].type).name
        # Before those that are nested in it.
        number, given = len(self.pages), selection.given
        place = selection.place
        self.pages.append(PageArguments(None, selection.arguments, place))  # type: ignore[arg-type]  # until it is made
        order = given.get("orderBy")
        page = Page(
            number=number,
            kind=kind,
            order=next(iter(CATALOGUE[kind].orders)) if order is None else order["field"].value,
            descending=order is None or order["direction"] is OrderDirection.DESC,
            filters=tuple(_snake(name) for name, value in given.get("filter", {}).items() if value is not None),
            bounds=tuple(name for name in BOUNDS if name in given),
            backwards="last" in given,
            parts=tuple(self._page_part(part) for part in selection.under()),
        )
        self.pages[number] = PageArguments(page, selection.arguments, place)
        return page

    def _part(self, type_: GraphQLObjectType, selection: Selection) -> Field | Typename | One | Many:
        if selection.is_typename:
            return Typename(selection.answer, type_.name)
        if is_leaf_type(selection.type):
            return Field(selection.answer, selection.name)
        if selection.type.name in CATALOGUE:
            return One(selection.answer, selection.name, self.wanted(selection.type, selection.under()))
        return Many(selection.answer, selection.name, self.page(selection))

    def _page_part(self, selection: Selection) -> PagePart:
        if selection.is_typename:
            return Typename(selection.answer, selection.parent_name)
        match selection.name:
            case "nodes":
                return Nodes(selection.answer, self.wanted(selection.type, selection.under()))
            case "edges":
                return Edges(selection.answer, tuple(self._edge_part(part) for part in selection.under()))
            case "page_info":
                return Info(selection.answer, tuple(_info_part(part) for part in selection.under()))
            case "total_count":
                return Total(selection.answer)
        raise KeyError(selection.name)

    def _edge_part(self, selection: Selection) -> Nodes | Cursor | Typename:
        if selection.is_typename:
            return Typename(selection.answer, selection.parent_name)
        if selection.name == "cursor":
            return Cursor(selection.answer)
        return Nodes(selection.answer, self.wanted(selection.type, selection.under()))


def _info_part(selection: Selection) -> Field | Typename:
    if selection.is_typename:
        return Typename(selection.answer, selection.parent_name)
    return Field(selection.answer, selection.name)


def _size(given: Mapping[str, Any]) -> int:
    if "first" in given and "last" in given:
        raise FieldInvalid("last", "must not be given together with first")
    for name in ("first", "last"):
        if not 0 <= (size := given.get(name, PAGE_ROWS)) <= LARGEST_PAGE:
            raise FieldInvalid(name, f"must be between 0 and {LARGEST_PAGE}")
        if name in given:
            return int(size)
    return PAGE_ROWS


def _filters(kind: str, given: Mapping[str, Any] | None) -> dict[str, tuple[Any, ...]]:
    """Return the values of the conditions that a filter input has, by their names in the catalogue."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, value in (given or {}).items():
        if value is None:
            continue
        filter = CATALOGUE[kind].filters[_snake(name)]
        if filter.names is not None:
            found[_snake(name)] = decode_key(value, filter.names, f"filter.{name}")
        else:
            found[_snake(name)] = (_plain(f"filter.{name}", value, filter),)
    return found


def _plain(name: str, value: Any, filter: Filter) -> Any:
    if isinstance(value, Enum):
        return value.value
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise FieldInvalid(name, "must not contain NUL")
    return value if filter.spell is None else filter.spell(value)


@cache
def _snake(name: str) -> str:
    return to_snake_case(name)
