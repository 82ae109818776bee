"""How a root field reads: look ahead, shape, read, and hand over the finished answer."""

from collections.abc import Mapping
from typing import Any

from graph.context import Context
from graph.permissions import viewer_of
from graph.reading.ids import RowRef
from graph.resolvers import rows
from graph.schema.executor import Finished
from graph.schema.selections import Selection
from graph.schema.shaping import Shape, Shaping, page_shape, row_shape


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
    objects and lists of objects as such mappings, and rows as `RowRef`s, which are read in one snapshot. Raises as
    `page` does."""
    shaping = Shaping()
    parts = selection.under()
    rows_wanted = {
        part.answer: (ref, shaping.wanted(part.type, part.under()))
        for part in parts
        if not part.is_typename and isinstance(ref := values.get(part.name), RowRef)
    }
    found: dict[str, Any] = {}
    if rows_wanted:
        shape = Shape(None, shaping.pages)
        async with rows.reading(context, shape.values(selection.looking.variables)) as reader:
            for answer, (ref, wanted) in rows_wanted.items():
                read = await reader.rows(wanted, "key", ref.named)
                found[answer] = read.get(ref.key)
    plain = {part.answer: _plain(part, values) for part in parts if part.answer not in found}
    return Finished({part.answer: (found if part.answer in found else plain)[part.answer] for part in parts})


def _plain(part: Selection, values: Mapping[str, Any]) -> Any:
    if part.is_typename:
        return part.parent_name
    match values.get(part.name):
        case Mapping() as inner:
            return {each.answer: _plain(each, inner) for each in part.under()}
        case list() as items:
            return [{each.answer: _plain(each, item) for each in part.under()} for item in items]
        case value:
            return value
