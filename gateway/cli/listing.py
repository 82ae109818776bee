"""The commands' lists of rows, and single rows: JSON, a row per line, or a table on a terminal.

They are read as the exports of the REST API are, with the numeric ids that the other commands take. This module imports
the query compiler, which takes a while, so it is imported when a command needs it.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from unicodedata import combining, east_asian_width

import click
from msgspec.structs import astuple

from gateway.cli.rows import run
from graph.domain import suspension
from graph.domain.context import Context
from graph.exports.columns import row_plan
from graph.exports.export_lists import ExportList, list_of
from graph.exports.reader import Export
from graph.query import rows
from graph.query.global_ids import RowRef, encode_id
from graph.query.page_values import GivenFilter

Kind: TypeAlias = Literal["program", "partner", "link", "token"]
Row: TypeAlias = Mapping[str, Any]
# Adds to rows what a list of one kind does not have.
Completion: TypeAlias = Callable[[Context, Sequence[Row]], Awaitable[Sequence[Row]]]

ID = "id=database_id"
OWNERS = ("program_id=program.database_id", "partner_id=partner.database_id")
LISTS: Mapping[Kind, ExportList] = {
    "program": list_of("Program", ID, "name", "domain", "cookie_window_days", "currency", "lead_auth", "created_at"),
    "partner": list_of("Partner", ID, "name", "email", "created_at"),
    "link": list_of(
        "ReferralLink",
        *(ID, "code", "status", "destination_url", *OWNERS, "clicks", "leads=lead_count", "sales=sale_count"),
        *("last_clicked", "created_at"),
    ),
    "token": list_of(
        "ApiToken", ID, "role", *OWNERS, "label", "created_at", "expires_at", "last_used_at", "revoked_at"
    ),
}
PAGE_ROWS = 500
# As commands take them.
SPELLED_IN_LOWER_CASE = {"status", "role", "lead_auth"}
# Longer values are cut in tables, where others are to be found beside them.
CELL_WIDTH = 40


def global_id(type_name: str, row_id: int | None) -> str | None:
    """Return the value of a filter by a row's id."""
    return None if row_id is None else encode_id(type_name, row_id)


async def with_suspensions(context: Context, found: Sequence[Row]) -> Sequence[Row]:
    """Add to rows of partners the ids of the programs that they are suspended in."""
    suspended = await suspension.suspended_programs(context)
    return [{**row, "suspended_in": suspended.get(row["id"], [])} for row in found]


async def _as_they_are(context: Context, found: Sequence[Row]) -> Sequence[Row]:
    return found


def print_list(kind: Kind, complete: Completion = _as_they_are, **filters: Any) -> None:
    """Print all rows that meet the filters that are not None, newest first, with what `complete` adds to them."""
    found = {name: GivenFilter(name, value) for name, value in filters.items() if value is not None}

    async def read(context: Context) -> Sequence[Row]:
        export, read = Export(context, LISTS[kind], found), list[Row]()
        *names, _ = await export.begin()
        while not export.is_complete:
            for some in await export.read(PAGE_ROWS):
                read += (_row(names, values) for values in zip(*some.columns[:-1], strict=True))
        return await complete(context, read)

    _print(run(read))


def print_numbered(kind: Kind, row_id: int, missing: Exception, complete: Completion = _as_they_are) -> None:
    """Print the row with an id, with what `complete` adds to it. Raises `missing` if there is none."""
    print_found(kind, "key", missing, complete, **RowRef(LISTS[kind].entity.name, (row_id,)).named)


def print_found(kind: Kind, lookup: str, missing: Exception, complete: Completion = _as_they_are, **named: Any) -> None:
    """Print the row that a lookup finds, with what `complete` adds to it. Raises `missing` if there is none."""
    listed = LISTS[kind]

    async def read(context: Context) -> Sequence[Row]:
        plan = row_plan(listed.entity, listed.columns)
        if (found := await rows.find(context, plan, {}, lookup, **named)) is None:
            raise missing
        row = _row([column.name for column in listed.columns], astuple(found))
        return await complete(context, [row])

    _print(run(read))


def _row(names: Iterable[str], values: Iterable[Any]) -> Row:
    return {name: _plain(name, value) for name, value in zip(names, values, strict=True)}


def _plain(column: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.lower() if column in SPELLED_IN_LOWER_CASE else value


def _print(found: Sequence[Row]) -> None:
    lines = _table(found) if sys.stdout.isatty() else (json.dumps(row, ensure_ascii=False) for row in found)
    for line in lines:
        click.echo(line)


def _table(found: Sequence[Row]) -> Iterator[str]:
    if not found:
        return
    cells = [list(found[0]), *([_cell(value) for value in row.values()] for row in found)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(_padded(line, widths)).rstrip()


def _padded(line: Iterable[str], widths: Iterable[int]) -> Iterator[str]:
    for cell, width in zip(line, widths, strict=True):
        yield cell + " " * (width - _width(cell))


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= CELL_WIDTH else f"{text[: CELL_WIDTH - 1]}\N{HORIZONTAL ELLIPSIS}"


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(0 if combining(each) else 1 + (east_asian_width(each) in "WF") for each in text)
