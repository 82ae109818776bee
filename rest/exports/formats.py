"""The formats of exports: CSV as in RFC 4180, and JSON lines. Both have the same columns, except for amounts in several
currencies: CSV, which is flat, has a column for each currency, and JSON lines a list.

Text in CSV that a spreadsheet would run as a formula is made harmless, by the same rule as in the dashboard
(`gateway/web/src/dashboard/csv.ts`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct, defstruct
from msgspec.json import Encoder

# What spreadsheets take for the start of a formula, including full-width characters.
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  full-width on purpose
QUOTE = '"'
Columns: TypeAlias = Sequence[Sequence[Any]]
# Encodes some rows, given the values of each column.
RowEncoder: TypeAlias = Callable[[Columns], bytes]
encoder = Encoder()
first_character = itemgetter(slice(1))


class Format(NamedTuple):
    """A format: its media type, and the function that returns what comes before the rows, and how they are encoded,
    given the names of the columns."""

    media_type: str
    begin: Callable[[Sequence[str]], tuple[bytes, RowEncoder]]
    is_flat: bool = False


def _csv(names: Sequence[str]) -> tuple[bytes, RowEncoder]:
    return _lines([names]), lambda columns: _lines(zip(*map(_cells, columns), strict=True))


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    return "".join(f"{','.join(cells)}\r\n" for cells in rows).encode()


def _cells(values: Sequence[Any]) -> Sequence[str]:
    """Return a column's cells. All values of a column have the same type, or are None."""
    match next((value for value in values if value is not None), None):
        case None:
            return [""] * len(values)
        case str():
            return _text_cells([text or "" for text in values])
        case bool() | datetime():
            return _plain_cells(values)
        case dict() | list():
            return _text_cells(["" if value is None else encoder.encode(value).decode() for value in values])
    return ["" if value is None else str(value) for value in values]


def _plain_cells(values: Sequence[Any]) -> Sequence[str]:
    """Return values as JSON spells them, without quotes. Only for types whose spelling has neither quotes nor commas.
    To encode all timestamps of a column at once takes an eighth of the time."""
    spelled = encoder.encode(values).decode()[1:-1].replace('"', "").split(",")
    return ["" if text == "null" else text for text in spelled]


def _text_cells(texts: Sequence[str]) -> Sequence[str]:
    # Most columns are plain. To look for special characters in all of a column at once takes a fraction of the time.
    if _is_quoted("".join(texts)) or not FORMULA.isdisjoint(set(map(first_character, texts))):
        return [*map(_text_cell, texts)]
    return texts


def _text_cell(text: str) -> str:
    harmless = f"'{text}" if text[:1] in FORMULA else text
    return f'"{harmless.replace(QUOTE, QUOTE * 2)}"' if _is_quoted(harmless) else harmless


def _is_quoted(text: str) -> bool:
    return QUOTE in text or "," in text or "\n" in text or "\r" in text


def _json_lines(names: Sequence[str]) -> tuple[bytes, RowEncoder]:
    row = _row_type(tuple(names))
    return b"", lambda columns: encoder.encode_lines(list(map(row, *columns)))


@cache  # each list has a few sets of columns, which depend on who exports it
def _row_type(names: Sequence[str]) -> type[Struct]:
    return defstruct("Row", names, frozen=True, gc=False)


FORMATS: Mapping[str, Format] = {
    "csv": Format("text/csv; charset=utf-8; header=present", _csv, is_flat=True),
    "ndjson": Format("application/x-ndjson", _json_lines),
}
