"""From a selection to the shapes that `graph.reading` reads, and the values that go with them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any

from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from graph.errors import FieldInvalid
from graph.reading.catalogue import CATALOGUE
from graph.reading.cursors import decode_cursor, list_mark
from graph.reading.ids import decode_key
from graph.reading.shapes import Cursor, Edges, Field, Info, Many, Nodes, One, Page, PagePart, Total, Typename, Wanted
from graph.schema.inputs import OrderDirection
from graph.schema.selections import Selection

PAGE_ROWS = 20
LARGEST_PAGE = 100


class Shaping:
    """Shapes of one request; `values` gathers what they name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._pages = 0

    def wanted(self, type_: GraphQLObjectType, selections: Sequence[Selection]) -> Wanted:
        """Return what is wanted of a row of a type. Raises `FieldInvalid` for arguments that make no sense."""
        return Wanted(type_.name, tuple(self._part(type_, selection) for selection in selections))

    def page(self, selection: Selection) -> Page:
        """Return what is wanted of a list's page. Raises `FieldInvalid`."""
        given = {name: value for name, value in selection.arguments.items() if value is not None and value is not UNSET}
        kind = get_named_type(selection.type.fields["nodes"].type).name
        number, self._pages = self._pages, self._pages + 1
        order = given.get("order_by")
        filters = _filters(kind, given.get("filter"))
        page = Page(
            number=number,
            kind=kind,
            order=next(iter(CATALOGUE[kind].orders)) if order is None else order.field.value,
            descending=order is None or order.direction is OrderDirection.DESC,
            filters=tuple(filters),
            bounds=tuple(name for name in ("after", "before") if name in given),
            backwards="last" in given,
            parts=tuple(self._page_part(part) for part in selection.under()),
        )
        self._take_values(page, given, filters)
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

    def _take_values(self, page: Page, given: Mapping[str, Any], filters: Mapping[str, tuple[Any, ...]]) -> None:
        size = _size(given)
        mark = list_mark(page.kind, f"{page.order} {page.descending}", filters)
        named: dict[str, Any] = {"size": size, "limit": size + 1, "mark": mark}
        for name, values in filters.items():
            named |= {f"{name}{number}": value for number, value in enumerate(values)}
        for bound in page.bounds:
            sorts = CATALOGUE[page.kind].orders[page.order].sorts
            position = decode_cursor(given[bound], mark, sorts, bound)
            named |= {f"{bound}{number}": value for number, value in enumerate(position)}
        self.values |= {page.value(name): value for name, value in named.items()}


def _info_part(selection: Selection) -> Field | Typename:
    if selection.is_typename:
        return Typename(selection.answer, selection.parent_name)
    return Field(selection.answer, selection.name)


def _size(given: Mapping[str, Any]) -> int:
    if "first" in given and "last" in given:
        raise FieldInvalid("last", "cannot be given together with first")
    for name in ("first", "last"):
        if not 0 <= (size := given.get(name, PAGE_ROWS)) <= LARGEST_PAGE:
            raise FieldInvalid(name, f"must be between 0 and {LARGEST_PAGE}")
        if name in given:
            return int(size)
    return PAGE_ROWS


def _filters(kind: str, given: Any) -> dict[str, tuple[Any, ...]]:
    """Return the values of the conditions that a filter input has, by their names in the catalogue."""
    found: dict[str, tuple[Any, ...]] = {}
    for field in fields(given) if given is not None else ():
        value = getattr(given, field.name)
        if value is None or value is UNSET:
            continue
        if (names := CATALOGUE[kind].filters[field.name].names) is not None:
            found[field.name] = decode_key(value, names, f"filter.{to_camel_case(field.name)}")
        else:
            found[field.name] = (_plain(f"filter.{to_camel_case(field.name)}", value),)
    return found


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str) and "\0" in value:
        raise FieldInvalid(name, "must not contain NUL")
    return value
