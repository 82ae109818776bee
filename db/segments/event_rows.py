"""The rows that segments are made of: a value for each column of an event.

Clicks that were recorded before there were derived fields get them in the background (`db.backfill`). Until then, they
are derived wherever a report reads such a click.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import polars as pl
from sqlalchemy import ColumnElement, case

from db.schema.visit_fields import VISIT_FIELDS
from db.segments.columns import Column
from db.segments.encoding import frame_of

Derive: TypeAlias = Callable[[str | None, str | None, str | None], Mapping[str, str | None]]
"""Takes a click's `affiliate_url`, `page_url` and `referrer_host`; returns its derived fields by name."""
DERIVED = frozenset(field.name for field in VISIT_FIELDS if field.source == "derived")
# Nearly every click has this field, once it is filled in.
MARK = "landing_page"
DERIVED_FROM = ("affiliate_url", "page_url", "referrer_host")


class EventRows:
    """Reads rows with these columns. Without `derive`, clicks are taken as they are stored."""

    def __init__(self, columns: Sequence[Column], derive: Derive | None) -> None:
        self.columns = columns
        self._derive = derive
        self._derived = [(at, column.name) for at, column in enumerate(columns) if column.name in DERIVED]

    def selected(self, event: Any, click: Any) -> list[ColumnElement[Any]]:
        """Return what a statement selects of an event and its click."""
        values = [column.of(event, click).label(column.name) for column in self.columns]
        is_unfilled = getattr(click, MARK).is_(None)
        return values + [case((is_unfilled, getattr(click, name))).label(f"raw_{name}") for name in self._derived_from]

    def frame(self, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """Return the rows that a statement found as columns."""
        kept = len(self.columns)
        if self._derived_from:
            rows = [self._filled(row) if row[kept] is not None else row[:kept] for row in map(tuple, rows)]
        return frame_of(self.columns, rows)

    @property
    def _derived_from(self) -> Sequence[str]:
        return DERIVED_FROM if self._derive and self._derived else ()

    def _filled(self, row: Sequence[Any]) -> Sequence[Any]:
        values, raw = list(row[: len(self.columns)]), row[len(self.columns) :]
        if self._derive is not None:
            fields = self._derive(*raw)
            for at, name in self._derived:
                values[at] = fields[name] or None
        return values
