"""Turns selections into query plans, and arguments into the parameters of their statements.

A plan depends only on the form of a request, so it is cached with the document.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution.values import VariableValues
from strawberry.utils.str_converters import to_snake_case

from graph.domain.errors import FieldInvalid
from graph.execution.arguments import Arguments
from graph.execution.selections import FieldLocation, SelectedField
from graph.query.entities import ENTITIES
from graph.query.page_values import WHERE, GivenFilter, condition_forms, filter_names, page_values
from graph.query.plan import (
    Amounts,
    Cursor,
    Edges,
    Field,
    Nodes,
    PageField,
    PageInfoFields,
    PagePlan,
    RowField,
    RowPlan,
    ToMany,
    ToOne,
    TotalCount,
    Typename,
)
from graph.schema.dimension_conditions import conditions
from graph.schema.sorting import OrderDirection

PAGE_ROWS = 20
LARGEST_PAGE = 100
# Named as in the schema.
BOUNDS = ("after", "before")


class PageArguments(NamedTuple):
    """A page of a plan, the arguments that its parameters come from, and their location."""

    page: PagePlan
    arguments: Arguments
    location: FieldLocation

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return the parameters of the page. Raises `GraphQLError` at the location of the arguments."""
        with self.location:
            return self._values(variables)

    def _values(self, variables: VariableValues) -> dict[str, Any]:
        given = self.arguments.values(variables)
        cursors = {name: given[name] for name in BOUNDS if name in given}
        return page_values(self.page, _size(given), _filters(given), cursors)


class QueryPlan(NamedTuple):
    """A plan with its pages, which serves every request of the same form."""

    root: Any
    pages: Sequence[PageArguments]

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return the parameters for one request. Raises `GraphQLError` for invalid arguments."""
        found: dict[str, Any] = {}
        for page in self.pages:
            found |= page.values(variables)
        return found


def plan_page(selection: SelectedField) -> QueryPlan:
    """Return the plan of a page of a list."""
    planner = Planner()
    return QueryPlan(planner.page(selection), planner.pages)


def plan_row(selection: SelectedField, type_: GraphQLObjectType | None = None) -> QueryPlan:
    """Return the plan of a row, for the type of its field or a narrower one."""
    planner, row_type = Planner(), type_ or selection.type
    return QueryPlan(planner.row(row_type, selection.subfields(row_type)), planner.pages)


class Planner:
    """Plans what one request reads. `pages` collects the pages in its plans."""

    def __init__(self) -> None:
        self.pages: list[PageArguments] = []

    def row(self, type_: GraphQLObjectType, selections: Sequence[SelectedField]) -> RowPlan:
        """Return the plan of a row."""
        return RowPlan(type_.name, tuple(self._part(type_, selection) for selection in selections))

    def page(self, selection: SelectedField) -> PagePlan:
        """Return the plan of a page."""
        entity = get_named_type(selection.type.fields["nodes"].type).name
        # Numbered before the pages nested in it.
        number, arguments, location = len(self.pages), selection.arguments, selection.location
        self.pages.append(PageArguments(None, arguments, location))  # type: ignore[arg-type]  # until it is made
        with location:
            given = arguments.values(selection.look_ahead.variables)
        order = given.get("orderBy")
        with location:
            filters = _filters(given)
        page = PagePlan(
            number=number,
            entity=entity,
            order=next(iter(ENTITIES[entity].orders)) if order is None else order["field"].value,
            descending=order is None or order["direction"] is OrderDirection.DESC,
            filters=filter_names(filters),
            conditions=condition_forms(filters),
            bounds=tuple(name for name in BOUNDS if name in given),
            backwards="last" in given,
            parts=tuple(self._page_part(part) for part in selection.subfields()),
        )
        self.pages[number] = PageArguments(page, arguments, location)
        return page

    def _part(self, type_: GraphQLObjectType, selection: SelectedField) -> RowField:
        if selection.is_typename:
            return Typename(selection.response_key, type_.name)
        if is_leaf_type(selection.type):
            return Field(selection.response_key, selection.name)
        if selection.type.name in ENTITIES:
            return ToOne(selection.response_key, selection.name, self.row(selection.type, selection.subfields()))
        if selection.type.name == "Money":
            parts = plain_parts(selection.subfields())
            return Amounts(selection.response_key, selection.name, parts)
        return ToMany(selection.response_key, selection.name, self.page(selection))

    def _page_part(self, selection: SelectedField) -> PageField:
        if selection.is_typename:
            return Typename(selection.response_key, selection.parent_type_name)
        match selection.name:
            case "nodes":
                return Nodes(selection.response_key, self.row(selection.type, selection.subfields()))
            case "edges":
                return Edges(selection.response_key, tuple(self._edge_part(part) for part in selection.subfields()))
            case "page_info":
                return PageInfoFields(selection.response_key, plain_parts(selection.subfields()))
            case "total_count":
                return TotalCount(selection.response_key)
        raise KeyError(selection.name)

    def _edge_part(self, selection: SelectedField) -> Nodes | Cursor | Typename:
        if selection.is_typename:
            return Typename(selection.response_key, selection.parent_type_name)
        if selection.name == "cursor":
            return Cursor(selection.response_key)
        return Nodes(selection.response_key, self.row(selection.type, selection.subfields()))


def plain_parts(selections: Sequence[SelectedField]) -> tuple[Field | Typename, ...]:
    """Return the plan of an object that has only plain values."""
    return tuple(_plain_part(selection) for selection in selections)


def _plain_part(selection: SelectedField) -> Field | Typename:
    if selection.is_typename:
        return Typename(selection.response_key, selection.parent_type_name)
    return Field(selection.response_key, selection.name)


def _filters(given: Mapping[str, Any]) -> Mapping[str, GivenFilter]:
    """Return the filters in a list's arguments. Raises `FieldInvalid` for a condition on a dimension."""
    found: dict[str, GivenFilter] = {}
    for name, value in (given.get("filter") or {}).items():
        if value is not None:
            spelled = f"filter.{name}"
            found[_snake(name)] = GivenFilter(spelled, conditions(value, spelled) if name == WHERE else value)
    return found


def _size(given: Mapping[str, Any]) -> int:
    if "first" in given and "last" in given:
        raise FieldInvalid("last", "cannot be combined with first")
    for name in ("first", "last"):
        if not 0 <= (size := given.get(name, PAGE_ROWS)) <= LARGEST_PAGE:
            raise FieldInvalid(name, f"must be between 0 and {LARGEST_PAGE}")
        if name in given:
            return int(size)
    return PAGE_ROWS


@cache
def _snake(name: str) -> str:
    return to_snake_case(name)
