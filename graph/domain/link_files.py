"""Reads the referral links that a CSV file lists, and finds what is wrong with each line by itself."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal, get_args

from graph.domain.errors import FieldInvalid
from graph.domain.fields import code_field, url_field
from graph.domain.links import NewLink, Status

MOST_LINKS, MOST_BYTES = 10_000, 4 * 1024 * 1024
LARGEST_ID = 2**63 - 1
FILE = "file"
Column = Literal["code", "program_id", "partner_id", "destination_url", "status"]
COLUMNS: tuple[Column, ...] = get_args(Column)
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with a line. `field` is the column to blame, if a single one is."""

    line: int
    field: str | None
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field} {self.problem}" if self.field else f"line {self.line}: {self.problem}"


@dataclass(frozen=True, slots=True)
class LinkLine:
    """The link that a line asks for. Without a code, one is made up when the link is created."""

    line: int
    link: NewLink


@dataclass(frozen=True, slots=True)
class LinkFile:
    """The links of a file, and the problems of the lines that are none."""

    links: Sequence[LinkLine]
    problems: Sequence[LineProblem]


def read_links(data: bytes, program_id: int | None) -> LinkFile:
    """Read a file whose first line names the columns, in any order: `partner_id` and any of the other `COLUMNS`. It is
    UTF-8, with commas or semicolons. Lines without a program are for the given one. Raises `FieldInvalid` for the field
    `file` if it cannot be read as a whole, or has more than `MOST_LINKS` links or `MOST_BYTES`."""
    if len(data) > MOST_BYTES:
        raise FieldInvalid(FILE, f"must not have more than {MOST_BYTES} bytes")
    links: list[LinkLine] = []
    problems: list[LineProblem] = []
    lines_of: dict[str, int] = {}
    for line, cells in _lines(data):
        if len(links) + len(problems) == MOST_LINKS:
            raise FieldInvalid(FILE, f"must not have more than {MOST_LINKS} links")
        try:
            link = _link(cells, program_id)
            if link.code is not None and (first := lines_of.setdefault(link.code, line)) != line:
                raise FieldInvalid("code", f"is also in line {first}")
            links.append(LinkLine(line, link))
        except FieldInvalid as error:
            problems.append(LineProblem(line, error.field if error.field != FILE else None, error.problem))
    if not links and not problems:
        raise FieldInvalid(FILE, "has no links")
    return LinkFile(links, problems)


def _lines(data: bytes) -> Iterator[tuple[int, Mapping[str | None, str]]]:
    """Yield the cells of each line by column, with the line's number; surplus cells have no column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FieldInvalid(FILE, "must be UTF-8") from error
    first = text.split("\n", 1)[0]
    reader = csv.reader(
        StringIO(text, newline=""), delimiter=";" if ";" in first and "," not in first else ",", strict=True
    )
    try:
        header = _header(next(reader, []))
        start = reader.line_num + 1
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            named: dict[str | None, str] = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            if any(cell.strip() for cell in cells[len(header) :]):
                named[None] = ""
            yield line, named
    except csv.Error as error:
        raise FieldInvalid(FILE, f"is not valid CSV in line {reader.line_num}: {error}") from error


def _header(cells: Sequence[str]) -> Sequence[str]:
    """Return the names of the columns. Raises `FieldInvalid`."""
    names = [cell.strip().lower() for cell in cells]
    if unknown := [name for name in names if name not in COLUMNS]:
        raise FieldInvalid(FILE, f"must have only the columns {', '.join(COLUMNS)}, not {unknown[0][:64]!r}")
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise FieldInvalid(FILE, f"must have the column {twice[0]} once")
    if "partner_id" not in names:
        raise FieldInvalid(FILE, "must have a first line with the names of its columns, of which one is partner_id")
    return names


def _link(cells: Mapping[str | None, str], program_id: int | None) -> NewLink:
    """Return the link of a line. Raises `FieldInvalid`, for the field `file` if no column is to blame."""
    if None in cells:
        raise FieldInvalid(FILE, "has more cells than there are columns")
    own_program, status = cells.get("program_id"), cells.get("status", "").lower() or "active"
    if not own_program and program_id is None:
        raise FieldInvalid("program_id", "is required")
    if status not in STATUSES:
        raise FieldInvalid("status", f"must be {' or '.join(STATUSES)}")
    code, url = cells.get("code"), cells.get("destination_url")
    return NewLink(
        code=code_field(code) if code else None,
        program_id=_id("program_id", own_program) if own_program else program_id or 0,
        partner_id=_id("partner_id", cells.get("partner_id", "")),
        destination_url=url_field("destination_url", url) if url else None,
        status=status,
    )


def _id(field: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)) and 1 <= int(text) <= LARGEST_ID):
        raise FieldInvalid(field, "must be a number" if text else "is required")
    return int(text)
