"""The breakdowns of a report: pages of rows with keys, counts and series.

It translates between the GraphQL types and `graph.reports`, which reads the counts.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from db.segments.questions import SUBJECTS, TIMES, Cursor, Order, Value
from graph.domain.context import Context
from graph.execution.selections import SelectedField
from graph.query.cursors import Sort, decode_cursor, encode_cursor, list_mark
from graph.query.response_objects import build_objects, object_type
from graph.reports.calendars import Interval
from graph.reports.dimensions import Dimension
from graph.reports.requests import BreakdownPage, BreakdownRequest, Row
from graph.schema.count_objects import VISITORS, count_objects, names_in
from graph.schema.report_dimensions import value_text
from graph.schema.report_rows import NO_ROWS, ROW_DIMENSIONS, SubjectRows, subject_rows
from graph.schema.sorting import OrderDirection

PAGE_ROWS = 20
OF_ANOTHER_BREAKDOWN = "is a cursor from a breakdown with other dimensions or another order"


def breakdown_request(part: SelectedField) -> BreakdownRequest:
    """Return what a selected breakdown asks for. Raises `GraphQLError` for a cursor of anything else."""
    given, parts, rows = part.argument_values, part.subfields(), _rows_selected(part)
    ordered = given.get("orderBy")
    has_series = any("series" in names_in(row) for row in rows)
    request = BreakdownRequest(
        by=tuple(each.value for each in given["by"]),
        interval=Interval(given["interval"]) if "interval" in given and has_series else None,
        first=given.get("first", PAGE_ROWS),
        offset=given.get("offset", 0),
        search=tuple(given["search"]) if "search" in given else None,
        order=Order.CLICKS if ordered is None else Order(ordered["field"].value),
        is_descending=ordered is None or ordered["direction"] is OrderDirection.DESC,
        with_rest=any(each.name_or_typename == "rest" for each in parts),
        with_visitors=any(VISITORS in names_in(each) for each in _counted(parts, rows)),
    )
    with part.location:
        after = _cursor_of(given["after"], request) if "after" in given else None
    return request._replace(after=after)


def _rows_selected(part: SelectedField) -> Sequence[SelectedField]:
    """Return the fields under a breakdown that hold its rows."""
    found = []
    for each in part.subfields():
        if each.name_or_typename == "nodes":
            found.append(each)
        elif each.name_or_typename == "edges":
            found += [inner for inner in each.subfields() if inner.name_or_typename == "node"]
    return found


def _counted(parts: Sequence[SelectedField], rows: Sequence[SelectedField]) -> Sequence[SelectedField]:
    """Return the fields under a breakdown that hold counts."""
    rest = [each for each in parts if each.name_or_typename == "rest"]
    series = [each for row in rows for each in row.subfields() if each.name_or_typename == "series"]
    return [*rest, *rows, *series]


async def breakdown(context: Context, part: SelectedField, asked: BreakdownRequest, page: BreakdownPage) -> Any:
    """Return a breakdown with what is selected of it. Raises `GraphQLError`, `DatabaseAway`."""
    shown = _Breakdown(context, part.argument_values.get("after"), asked, page)
    return {each.response_key: await shown.field(each) for each in part.subfields()}


class _Breakdown:
    """A page of a breakdown, as an object of the response."""

    def __init__(self, context: Context, after: str | None, asked: BreakdownRequest, page: BreakdownPage) -> None:
        self._context = context
        self._after = after
        self._asked = asked
        self._page = page
        self._rows = page.rows

    async def field(self, part: SelectedField) -> Any:
        """Return the value of one field."""
        match part.name_or_typename:
            case "nodes":
                return await self._nodes(part)
            case "edges":
                return await self._edges(part)
            case "page_info":
                return {each.response_key: self._info(each) for each in part.subfields()}
            case "total_count":
                return self._page.total_count
            case "rest":
                (rest,) = count_objects(part, [Row((), self._page.rest, Cursor(0, ()))])
                return rest
        return part.parent_type_name

    async def _edges(self, part: SelectedField) -> Any:
        selected = part.subfields()
        columns = [await self._edge_column(each) for each in selected]
        return build_objects(object_type([each.response_key for each in selected]), columns, len(self._rows))

    async def _edge_column(self, part: SelectedField) -> Sequence[Any]:
        match part.name_or_typename:
            case "node":
                return await self._nodes(part)
            case "cursor":
                return list(map(self._cursor, self._rows))
        return [part.parent_type_name] * len(self._rows)

    def _info(self, part: SelectedField) -> Any:
        match part.name_or_typename:
            case "has_next_page":
                return self._page.has_next
            case "has_previous_page":
                return self._after is not None or self._asked.offset > 0
            case "start_cursor":
                return self._cursor(self._rows[0]) if self._rows else None
            case "end_cursor":
                return self._cursor(self._rows[-1]) if self._rows else self._after
        return part.parent_type_name

    async def _nodes(self, part: SelectedField) -> Sequence[Any]:
        found: dict[str, Sequence[Any]] = {}
        for each in part.subfields():
            if each.name_or_typename == "keys":
                found[each.response_key] = await self._keys(each)
            elif each.name_or_typename == "series" and self._asked.interval is not None:
                found[each.response_key] = [count_objects(each, row.series, "start", "end") for row in self._rows]
        return count_objects(part, self._rows, found=found)

    async def _keys(self, part: SelectedField) -> Sequence[Any]:
        """Return the list of keys of each row."""
        columns = [await self._key_column(part, at) for at in range(len(self._asked.by))]
        return list(zip(*columns, strict=True))

    async def _key_column(self, part: SelectedField, at: int) -> Sequence[Any]:
        """Return the key of one dimension in each row."""
        dimension, selected = self._asked.by[at], part.subfields()
        values = [row.key[at] for row in self._rows]
        rows = NO_ROWS
        if dimension in ROW_DIMENSIONS:
            rows = await subject_rows(self._context, dimension, {int(id) for id in values if id is not None}, selected)
        columns = (_key_field(each, dimension, values, rows) for each in selected)
        return build_objects(object_type([each.response_key for each in selected]), columns, len(values))

    def _cursor(self, row: Row) -> str:
        return encode_cursor(_mark(self._asked), (row.cursor.number, *row.cursor.key))


def _key_field(part: SelectedField, dimension: str, values: Sequence[Value | None], rows: SubjectRows) -> Any:
    """Return a field of a dimension's keys, for each of its values."""
    match part.name_or_typename:
        case "dimension":
            return repeat(Dimension(dimension).name, len(values))
        case "value" if dimension in ROW_DIMENSIONS:
            return map(rows.names.get, values)  # type: ignore[arg-type]  # they are ids
        case "value":
            return [value_text(dimension, value) for value in values]
        case "program" | "partner" | "referral_link":
            return map(rows.objects.get(part.response_key, {}).get, values)  # type: ignore[arg-type]
    return repeat(part.parent_type_name, len(values))


def _cursor_of(text: str, request: BreakdownRequest) -> Cursor:
    """Return the place that a cursor stands for. Raises `FieldInvalid`."""
    sorts: list[Sort] = [
        "optional number" if dimension in (*SUBJECTS, *TIMES) else "optional text" for dimension in request.by
    ]
    number, *key = decode_cursor(text, _mark(request), ["number", *sorts], "after", otherwise=OF_ANOTHER_BREAKDOWN)
    return Cursor(number, tuple(key))


def _mark(request: BreakdownRequest) -> str:
    return list_mark("breakdown", f"{request.order} {request.is_descending}", {"by": request.by})
