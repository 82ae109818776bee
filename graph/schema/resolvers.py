"""How a root field reads: look ahead, shape, read, and hand over the finished answer."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError, is_non_null_type

from graph.domain.context import Context
from graph.domain.permissions import viewer_of
from graph.execution.executor import Finished
from graph.execution.selections import Selection
from graph.query import rows
from graph.query.entities import CATALOGUE
from graph.query.global_ids import RowRef
from graph.query.plan import Wanted
from graph.schema.planner import Shape, Shaping, page_shape, row_shape


async def page(context: Context, selection: Selection) -> Finished:
    """Answer a list's page. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseAway`."""
    viewer_of(context)
    shape = selection.kept(page_shape)
    return Finished(await rows.page(context, shape.wanted, shape.values(selection.looking.variables)))


async def row(context: Context, selection: Selection, type_name: str, lookup: str, **named: Any) -> Finished:
    """Answer the row of a type that a lookup finds, or null. Raises as `page` does."""
    viewer_of(context)
    type_ = selection.looking.object_type(type_name)
    shape = selection.looking.kept((selection.answer, type_name), lambda: row_shape(selection, type_))
    values = shape.values(selection.looking.variables)
    return Finished(await rows.find(context, shape.wanted, values, lookup, **named))


async def row_by_key(context: Context, selection: Selection, ref: RowRef) -> Finished:
    """Answer the row that a global id names, or null. Raises as `page` does."""
    return await row(context, selection, ref.kind, "key", **ref.named)


async def composed(context: Context, selection: Selection, values: Mapping[str, Any]) -> Finished:
    """Answer an object made of values by the names of its fields, null where there is none: what JSON is made of,
    objects and lists of objects as such mappings, and rows as `RowRef`s, which are read in one snapshot. Where a row's
    lists are asked for in a way that makes no sense, that row is null, if it may be. Raises as `page` does."""
    shaping, wanted, read_values, errors = Shaping(), {}, dict[str, Any](), []
    parts = selection.under()
    for part in parts:
        if not part.is_typename and isinstance(ref := values.get(part.name), RowRef):
            try:
                shape = _row_shape(shaping, part)
                read_values |= shape.values(part.looking.variables)
                wanted[part.answer] = ref, shape.wanted
            except GraphQLError as error:
                if is_non_null_type(part.declared.type):
                    raise
                errors.append(error)
    found = {} if not wanted else await _read(context, wanted, read_values)
    plain = {part.answer: _plain(part, values) for part in parts if part.answer not in found}
    answer = {part.answer: (found if part.answer in found else plain)[part.answer] for part in parts}
    return Finished(answer, errors)


def check(selection: Selection) -> None:
    """Return if the lists under the rows of a composed object are asked for in a way that makes sense. Raises
    `GraphQLError`."""
    shaping = Shaping()
    for part in selection.under():
        if not part.is_typename and part.type.name in CATALOGUE:
            _row_shape(shaping, part).values(part.looking.variables)


def _row_shape(shaping: Shaping, part: Selection) -> Shape:
    """Return what is wanted of a row, as one of several that are read together."""
    first = len(shaping.pages)
    return Shape(shaping.wanted(part.type, part.under()), shaping.pages[first:])


async def _read(
    context: Context, wanted: Mapping[str, tuple[RowRef, Wanted]], values: Mapping[str, Any]
) -> dict[str, Any]:
    async with rows.reading(context, values) as reader:
        return {
            answer: (await reader.rows(shape, "key", ref.named)).get(ref.key) for answer, (ref, shape) in wanted.items()
        }


def _plain(part: Selection, values: Mapping[str, Any]) -> Any:
    if part.is_typename:
        return part.parent_name
    match values.get(part.name):
        case RowRef():
            return None  # it could not be read
        case Mapping() as inner:
            return {each.answer: _plain(each, inner) for each in part.under()}
        case list() as items:
            return [{each.answer: _plain(each, item) for each in part.under()} for item in items]
        case value:
            return value
