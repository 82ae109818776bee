"""The rows that segments are made of: a value for each column of an event.

Clicks that were recorded before there were derived fields get them in the background (`db.backfill`). Until then, they
are derived wherever a report reads such a click.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl
from msgspec.json import decode
from sqlalchemy import ColumnElement, Select, case, func, select

from db.schema.visit_fields import VISIT_FIELDS
from db.segments.columns import Column
from db.segments.encoding import frame_of

Derive: TypeAlias = Callable[[str | None, str | None, str | None], Mapping[str, str | None]]
"""Takes a click's `affiliate_url`, `page_url` and `referrer_host`; returns its derived fields by name."""
Cells: TypeAlias = Sequence[Sequence[Any]]
"""The values of each column."""
DERIVED = frozenset(field.name for field in VISIT_FIELDS if field.source == "derived")
# Nearly every click has this field, once it is filled in.
MARK = "landing_page"
# Every click has the first of them.
DERIVED_FROM = ("affiliate_url", "page_url", "referrer_host")


class EventRows:
    """Reads rows with these columns. Without `derive`, clicks are taken as they are stored."""

    def __init__(self, columns: Sequence[Column], derive: Derive | None, *, is_sqlite: bool) -> None:
        self.columns = columns
        self._derive = derive
        self._is_sqlite = is_sqlite
        self._derived = [(at, column.name) for at, column in enumerate(columns) if column.name in DERIVED]

    def selected(self, event: Any, click: Any) -> list[ColumnElement[Any]]:
        """Return what a statement selects of an event and its click."""
        values = [column.of(event, click).label(column.name) for column in self.columns]
        is_unfilled = getattr(click, MARK).is_(None)
        return values + [case((is_unfilled, getattr(click, name))).label(f"raw_{name}") for name in self._derived_from]

    def packed(self, query: Select[Any]) -> Select[Any]:
        """Return a query of nothing but what is `selected` in the form in which `unpacked` takes its result.

        On SQLite that is one row, with the values of each column as JSON: the driver would make them an object at a
        time, which takes twice as long altogether.
        """
        if not self._is_sqlite:
            return query
        return select(*(func.json_group_array(column) for column in query.subquery().c))

    def unpacked(self, found: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """Return as columns what a `packed` query found."""
        return self._frame([decode(column) for column in found[0]]) if self._is_sqlite else self.frame(found)

    def frame(self, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """Return the rows that a statement found as columns."""
        nothing: Cells = ((),) * (len(self.columns) + len(self._derived_from))
        return self._frame(list(zip(*rows, strict=True)) if rows else nothing)

    def _frame(self, cells: Cells) -> pl.DataFrame:
        kept = len(self.columns)
        return frame_of(self.columns, self._filled(cells[:kept], cells[kept:]) if len(cells) > kept else cells)

    @property
    def _derived_from(self) -> Sequence[str]:
        return DERIVED_FROM if self._derive and self._derived else ()

    def _filled(self, cells: Cells, raw: Cells) -> Cells:
        """Return the columns with the derived fields of the clicks that lack them, which have `raw` values."""
        unfilled = [at for at, url in enumerate(raw[0]) if url is not None]
        if self._derive is None or not unfilled:
            return cells
        filled = [list(column) for column in cells]
        for at in unfilled:
            fields = self._derive(*(column[at] for column in raw))
            for column, name in self._derived:
                filled[column][at] = fields[name] or None
        return filled
