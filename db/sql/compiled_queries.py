"""Queries compiled once, whose values are given by name, for the driver itself to run.

A dashboard asks for the same few things over and over; finding its way through SQLAlchemy each time would take longer
than the database needs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.json import decode
from sqlalchemy import CompoundSelect, Dialect, Select
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.selectable import TextualSelect

from db.sql.batch_statements import RowValues

Asked = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | ReturningUpdate[*tuple[Any, ...]] | TextualSelect
Convert = Callable[[Any], Any]
MISSING = object()


@dataclass(frozen=True, slots=True)
class DialectQuery:
    """A query's text for one kind of database, and how values get in and rows out."""

    sql: str
    parameters: tuple[tuple[str, Any, Convert | None], ...]
    conversions: tuple[tuple[int, Convert], ...]
    is_packed: bool = False

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the positional parameters. Values that the query does not take are left out."""
        found = []
        for name, default, convert in self.parameters:
            value = values[name] if default is MISSING else values.get(name, default)
            found.append(value if convert is None else convert(value))
        return found

    def rows(self, found: Iterable[Any]) -> Sequence[Any]:
        """Return the driver's rows with the values that the columns' types stand for."""
        if self.is_packed:
            ((text,),) = found
            found = decode(text)
        return [self._converted(row) for row in found] if self.conversions else list(found)

    def _converted(self, row: RowValues) -> RowValues:
        values = list(row)
        for position, convert in self.conversions:
            values[position] = convert(values[position])
        return tuple(values)


class CompiledQuery:
    """A select, or an update that returns rows, that will be run again and again, and is kept for that. Without values
    given when it is made, its parameters are named ones.

    With `packed`, SQLite gives all rows as one JSON text; texts and integers only. Its driver takes the interpreter's
    lock for every row, which a thousand rows would wrest from the event loop a thousand times.
    """

    def __init__(self, asked: Asked, *, packed: bool = False) -> None:
        self._asked = asked
        self._packed = packed
        self._compiled: dict[str, DialectQuery] = {}

    def compiled(self, dialect: Dialect) -> DialectQuery:
        """Return it as a database takes it; compiled at the first time."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self._asked, dialect, self._packed)
        return compiled


def _compile(asked: Asked, dialect: Dialect, packed: bool) -> DialectQuery:
    result = asked.compile(dialect=dialect)
    parameters = []
    for name in result.positiontup or ():
        bind = result.binds[name]
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        parameters.append((bind.key, MISSING if bind.required else bind.effective_value, convert))
    readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in asked.exported_columns]
    is_packed = packed and dialect.name == "sqlite"
    return DialectQuery(
        sql=_packing(str(result), len(readers)) if is_packed else str(result),
        parameters=tuple(parameters),
        conversions=tuple((at, convert) for at, convert in enumerate(readers) if convert is not None),
        is_packed=is_packed,
    )


def _packing(sql: str, size: int) -> str:
    """Return the query that gives the rows of another one, of so many columns, as one JSON text."""
    columns = ", ".join(f"c{number}" for number in range(size))
    return f"WITH found ({columns}) AS ({sql}) SELECT json_group_array(json_array({columns})) FROM found"  # noqa: S608  ours
