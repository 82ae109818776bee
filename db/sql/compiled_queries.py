"""Queries that are compiled once and then run by the driver directly, with values by parameter name.

A dashboard runs the same few queries over and over. Compiling and executing them through SQLAlchemy each time would
take longer than the database does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Dialect, Select
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate
from sqlalchemy.sql.selectable import TextualSelect

from db.sql.batch_statements import RowValues

Asked = (
    Select[*tuple[Any, ...]]
    | CompoundSelect[*tuple[Any, ...]]
    | ReturningInsert[*tuple[Any, ...]]
    | ReturningUpdate[*tuple[Any, ...]]
    | TextualSelect
)
Convert = Callable[[Any], Any]
MISSING = object()


@dataclass(frozen=True, slots=True)
class DialectQuery:
    """A query's SQL for one dialect, with the conversions of its parameters and of its rows."""

    sql: str
    parameters: tuple[tuple[str, Any, Convert | None], ...]
    conversions: tuple[tuple[int, Convert], ...]

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the positional arguments. Values that the query does not use are ignored."""
        found = []
        for name, default, convert in self.parameters:
            value = values[name] if default is MISSING else values.get(name, default)
            found.append(value if convert is None else convert(value))
        return found

    def rows(self, found: Iterable[Any]) -> Sequence[Any]:
        """Convert the driver's rows to the columns' Python types."""
        return [self._converted(row) for row in found] if self.conversions else list(found)

    def _converted(self, row: RowValues) -> RowValues:
        values = list(row)
        for position, convert in self.conversions:
            values[position] = convert(values[position])
        return tuple(values)


class CompiledQuery:
    """A select, or a change that returns rows, compiled on first use for each dialect. Its bound parameters are named,
    and take their values when it runs."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._compiled: dict[str, DialectQuery] = {}

    def compiled(self, dialect: Dialect) -> DialectQuery:
        """Return the query compiled for a dialect. Compiles it on first use."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self._asked, dialect)
        return compiled


def _compile(asked: Asked, dialect: Dialect) -> DialectQuery:
    result = asked.compile(dialect=dialect)
    parameters = []
    for name in result.positiontup or ():
        bind = result.binds[name]
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        parameters.append((bind.key, MISSING if bind.required else bind.effective_value, convert))
    readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in asked.exported_columns]
    return DialectQuery(
        sql=str(result),
        parameters=tuple(parameters),
        conversions=tuple((at, convert) for at, convert in enumerate(readers) if convert is not None),
    )
