"""The resolvers that root fields share: plan the selection, read it, and return completed values.

All of them look ahead, so that a request takes a constant number of SQL statements.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphql import GraphQLError, is_non_null_type

from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.domain.permissions import viewer_of
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.query import rows
from graph.query.entities import ENTITIES
from graph.query.global_ids import RowRef, decode_id, decode_key
from graph.query.plan import RowPlan
from graph.schema.planner import Planner, QueryPlan, plan_page, plan_row


class RowList(NamedTuple):
    """Several rows: their type, the lookup that finds them with its parameters, and their keys in order."""

    type_name: str
    lookup: str
    named: Mapping[str, Any]
    keys: Sequence[tuple[int, ...]]


async def page(context: Context, selection: SelectedField) -> CompletedValue:
    """Resolve a page of a list. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseAway`."""
    viewer_of(context)
    plan = selection.cached(plan_page)
    return CompletedValue(await rows.page(context, plan.root, plan.values(selection.look_ahead.variables)))


async def row(context: Context, selection: SelectedField, type_name: str, lookup: str, **named: Any) -> CompletedValue:
    """Resolve the row that a lookup finds, or null. Raises as `page` does."""
    viewer_of(context)
    type_ = selection.look_ahead.object_type(type_name)
    plan = selection.look_ahead.cached((selection.response_key, type_name), lambda: plan_row(selection, type_))
    values = plan.values(selection.look_ahead.variables)
    return CompletedValue(await rows.find(context, plan.root, values, lookup, **named))


async def row_by_key(context: Context, selection: SelectedField, ref: RowRef) -> CompletedValue:
    """Resolve the row that a global id refers to, or null. Raises as `page` does."""
    return await row(context, selection, ref.type_name, "key", **ref.named)


async def node(context: Context, selection: SelectedField) -> CompletedValue:
    ref = decode_id(selection.argument_values["id"])
    if ref.type_name not in ENTITIES or len(ref.key) != len(ENTITIES[ref.type_name].key):
        raise FieldInvalid("id", "is not a valid id")
    return await row_by_key(context, selection, ref)


async def numbered(context: Context, selection: SelectedField) -> CompletedValue:
    """Resolve a row by its global id or its numeric id."""
    name, value = only_argument(selection, "id", "databaseId")
    if name == "id":
        return await row_by_id(context, selection, value)
    return await row_by_key(context, selection, RowRef(selection.type.name, (value,)))


async def row_by_id(context: Context, selection: SelectedField, id: str) -> CompletedValue:
    type_name = selection.type.name
    return await row_by_key(context, selection, RowRef(type_name, decode_key(id, type_name, "id")))


def only_argument(selection: SelectedField, *names: str) -> tuple[str, Any]:
    """Return the name and the value of the only argument. Raises `FieldInvalid` unless exactly one is given."""
    given = selection.argument_values
    if len(given) != 1:
        first, second = names
        raise FieldInvalid(first, f"or {second} must be given, but not both")
    return next(iter(given.items()))


def text_argument(field: str, text: str) -> str:
    if "\0" in text:
        raise FieldInvalid(field, "must not contain NUL characters")
    return text


async def compose(context: Context, selection: SelectedField, values: Mapping[str, Any]) -> CompletedValue:
    """Resolve an object from values by field name, null where missing: JSON values, nested mappings and lists of them,
    and `RowRef`s and `RowList`s, which are read in one snapshot. If the arguments of a list under a row are invalid,
    that row is null if it may be. Raises as `page` does."""
    planner, row_plans, read_values, errors = Planner(), {}, dict[str, Any](), []
    parts = selection.subfields()
    for part in parts:
        if not part.is_typename and isinstance(ref := values.get(part.name), RowRef | RowList):
            try:
                plan = _plan_row(planner, part)
                read_values |= plan.values(part.look_ahead.variables)
                row_plans[part.response_key] = ref, plan.root
            except GraphQLError as error:
                if is_non_null_type(part.declared.type):
                    raise
                errors.append(error)
    found = {} if not row_plans else await _read(context, row_plans, read_values)
    plain = {part.response_key: _plain(part, values) for part in parts if part.response_key not in found}
    answer = {part.response_key: (found if part.response_key in found else plain)[part.response_key] for part in parts}
    return CompletedValue(answer, errors)


def check(selection: SelectedField) -> None:
    """Raise `GraphQLError` if the arguments of lists under the rows of a composed object are invalid."""
    planner = Planner()
    for part in selection.subfields():
        if not part.is_typename and part.type.name in ENTITIES:
            _plan_row(planner, part).values(part.look_ahead.variables)


def _plan_row(planner: Planner, part: SelectedField) -> QueryPlan:
    """Return the plan of one of several rows that are read together."""
    first = len(planner.pages)
    return QueryPlan(planner.row(part.type, part.subfields()), planner.pages[first:])


async def _read(
    context: Context, row_plans: Mapping[str, tuple[RowRef | RowList, RowPlan]], values: Mapping[str, Any]
) -> dict[str, Any]:
    async with rows.snapshot_reader(context, values) as reader:
        return {response_key: await _read_one(reader, ref, plan) for response_key, (ref, plan) in row_plans.items()}


async def _read_one(reader: rows.Reader, ref: RowRef | RowList, plan: RowPlan) -> Any:
    if isinstance(ref, RowRef):
        return (await reader.rows(plan, "key", ref.named)).get(ref.key)
    found = await reader.rows(plan, ref.lookup, ref.named)
    return [found[key] for key in ref.keys if key in found]


def _plain(part: SelectedField, values: Mapping[str, Any]) -> Any:
    if part.is_typename:
        return part.parent_type_name
    match values.get(part.name):
        case RowRef() | RowList():
            return None  # it could not be planned
        case Mapping() as inner:
            return {each.response_key: _plain(each, inner) for each in part.subfields()}
        case list() as items:
            return [{each.response_key: _plain(each, item) for each in part.subfields()} for item in items]
        case value:
            return value
