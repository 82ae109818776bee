"""Statements compiled once from the tables' own metadata, for execution by the driver itself.

The click path runs a handful of statements for thousands of rows a second; going through the driver saves more than
half of SQLAlchemy's cost a row, and compiling from the metadata keeps the tables the one definition of the schema.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Delete, Dialect, Insert, Select, Update
from sqlalchemy.sql.dml import ReturningUpdate

Row: TypeAlias = tuple[Any, ...]
Query: TypeAlias = Insert | Update | Delete | ReturningUpdate[*tuple[Any, ...]] | Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement's text, and how to turn the caller's values into its positional parameters."""

    sql: str
    conversions: tuple[tuple[int, Callable[[Any], Any]], ...]
    arrange: Callable[[Row], Row] | None

    def rows(self, rows: Iterable[Row]) -> Sequence[Row]:
        """Return the rows, given in the order that `compiled` was told, as the driver wants them."""
        if self.conversions:
            rows = [self._converted(row) for row in rows]
        return [self.arrange(row) for row in rows] if self.arrange else list(rows)

    def _converted(self, row: Row) -> Row:
        values = list(row)
        for position, convert in self.conversions:
            values[position] = convert(values[position])
        return tuple(values)


def compiled(dialect: Dialect, query: Query, parameters: Sequence[str]) -> Statement:
    """Compile a query for a dialect; `parameters` is the order in which a row will give its values, by name.

    An insert fills the columns of those names. A dialect may want a value twice, or in another order.
    """
    result = query.compile(dialect=dialect, column_keys=parameters if isinstance(query, Insert) else None)
    wanted = list(result.positiontup or ())
    binders = (result.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in parameters)
    return Statement(
        sql=str(result),
        conversions=tuple((at, convert) for at, convert in enumerate(binders) if convert is not None),
        arrange=None if wanted == list(parameters) else _arrange([parameters.index(name) for name in wanted]),
    )


def _arrange(positions: Sequence[int]) -> Callable[[Row], Row]:
    return itemgetter(*positions) if len(positions) > 1 else lambda row: (row[positions[0]],)
