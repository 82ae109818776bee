"""How a root field reads: look ahead, shape, read, and hand over the finished answer."""

from collections.abc import Mapping
from typing import Any

from strawberry import Info

from graph.permissions import viewer_of
from graph.reading.ids import RowRef
from graph.resolvers import rows
from graph.schema.executor import Finished
from graph.schema.selections import LookAhead, Selection
from graph.schema.shaping import Shaping


def looking_from(info: Info) -> LookAhead:
    """Return the look-ahead of the field that is being resolved."""
    # Strawberry's own view of it tells neither types nor all of the arguments.
    return LookAhead(info._raw_info)


async def page(info: Info) -> Any:
    """Answer a list's page. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseAway`."""
    viewer_of(info.context)
    shaping = Shaping()
    wanted = shaping.page(looking_from(info).field)
    return Finished(await rows.page(info.context, wanted, shaping.values))


async def row(info: Info, type_name: str, lookup: str, **named: Any) -> Any:
    """Answer the row of a type that a lookup finds, or null. Raises as `page` does."""
    viewer_of(info.context)
    looking, shaping = looking_from(info), Shaping()
    type_ = looking.object_type(type_name)
    wanted = shaping.wanted(type_, looking.field.under(type_))
    return Finished(await rows.find(info.context, wanted, shaping.values, lookup, **named))


async def row_by_key(info: Info, ref: RowRef) -> Any:
    """Answer the row that a global id names, or null. Raises as `page` does."""
    return await row(info, ref.kind, "key", **ref.named)


async def composed(info: Info, values: Mapping[str, Any]) -> Any:
    """Answer an object made of values by the names of its fields, null where there is none: what JSON is made of,
    objects and lists of objects as such mappings, and rows as `RowRef`s, which are read in one snapshot. Raises as
    `page` does."""
    looking, shaping = looking_from(info), Shaping()
    parts = looking.field.under()
    rows_wanted = {
        part.answer: (ref, shaping.wanted(part.type, part.under()))
        for part in parts
        if not part.is_typename and isinstance(ref := values.get(part.name), RowRef)
    }
    found: dict[str, Any] = {}
    if rows_wanted:
        async with rows.reading(info.context, shaping.values) as reader:
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
