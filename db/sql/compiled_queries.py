"""Queries that are compiled once and then run by the driver directly, with values by parameter name.

A dashboard runs the same few queries over and over. Compiling and executing them through SQLAlchemy each time would
take longer than the database does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, cast

from sqlalchemy import CompoundSelect, Dialect, Select, make_url
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate
from sqlalchemy.sql.selectable import TextualSelect

Asked = (
    Select[*tuple[Any, ...]]
    | CompoundSelect[*tuple[Any, ...]]
    | ReturningInsert[*tuple[Any, ...]]
    | ReturningUpdate[*tuple[Any, ...]]
    | TextualSelect
)
Convert = Callable[[Any], Any]
MISSING = object()
# Its name, default and conversion take half of this or more, as measured.
BYTES_PER_PARAMETER = 500


@dataclass(frozen=True, slots=True)
class DialectQuery:
    """A query's SQL for one dialect, with the conversions of its parameters and of its rows."""

    sql: str
    parameters: tuple[tuple[str, Any, Convert | None], ...]
    conversions: tuple[tuple[int, Convert], ...]

    @property
    def size_bytes(self) -> int:
        """The memory that the query takes, approximately."""
        return len(self.sql) + BYTES_PER_PARAMETER * len(self.parameters)

    def compiled(self, _dialect: Dialect) -> "DialectQuery":
        """Return the query itself, as it is compiled already."""
        return self

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the positional arguments. Values that the query does not use are ignored."""
        found = []
        for name, default, convert in self.parameters:
            value = values[name] if default is MISSING else values.get(name, default)
            found.append(value if convert is None else convert(value))
        return found

    def rows(self, found: Iterable[Any]) -> Sequence[Any]:
        """Convert the driver's rows to the columns' Python types."""
        rows = list(found)
        if not self.conversions or not rows:
            return rows
        # By column, because a row has many columns, of which few are converted.
        columns: list[Iterable[Any]] = [*zip(*rows, strict=True)]
        for position, convert in self.conversions:
            columns[position] = map(convert, columns[position])
        return [*zip(*columns, strict=True)]


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


Query: TypeAlias = CompiledQuery | DialectQuery


def compile_for(asked: Asked, *, is_sqlite: bool) -> DialectQuery:
    """Compile a query for one dialect, without keeping the expression, which takes ten times as much memory as the
    result. Caches of many queries hold these."""
    return _compile(asked, _dialect(is_sqlite=is_sqlite))


@cache
def _dialect(*, is_sqlite: bool) -> Dialect:
    """Return a dialect like that of the engine."""
    url = make_url("sqlite+aiosqlite://" if is_sqlite else "postgresql+asyncpg://")
    dialect = cast(type[DefaultDialect], url.get_dialect())
    # PostgreSQL's driver is slow to import, and SQLite does not need it.
    return dialect(dbapi=dialect.import_dbapi())


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
