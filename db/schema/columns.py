"""The column types that the tables share.

They hide the differences between the two databases from the tables' definitions.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamp in UTC: `timestamptz` on PostgreSQL; on SQLite an integer of microseconds since 1970, which takes a
    third of the space of a text, in each index too.

    Accepts only timezone-aware values, so that no local time can be stored by accident. Returns aware values.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored timestamp needs a time zone")
        return value

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return microseconds if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # PostgreSQL's driver returns aware values in UTC.
        return _moment if dialect.name == "sqlite" else None


def microseconds(moment: datetime | None) -> int | None:
    """Return a timestamp as SQLite stores it. Raises `ValueError` for one without a time zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a stored timestamp needs a time zone")
    return (moment - EPOCH) // MICROSECOND


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + microseconds * MICROSECOND


class now(FunctionElement[datetime]):  # noqa: N801  named like a SQL function
    """The current time of the database's clock; on SQLite, in whole milliseconds."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_on_sqlite(element: now, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"


@compiles(now, "postgresql")
def _now_on_postgresql(element: now, compiler: SQLCompiler, **options: Any) -> str:
    return "now()"


def text(length: int) -> String:
    """Return a string type of at most `length` characters, which both databases sort and compare by code point."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


# SQLite assigns ids automatically only to a column that is declared INTEGER.
RowId = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]
Count = Annotated[int, mapped_column(BigInteger, server_default="0")]
Timestamp = Annotated[datetime, mapped_column(UtcDateTime)]
CreatedAt = Annotated[datetime, mapped_column(UtcDateTime, default=lambda: datetime.now(UTC), server_default=now())]
Text3 = Annotated[str, mapped_column(text(3))]
Text32 = Annotated[str, mapped_column(text(32))]
Text64 = Annotated[str, mapped_column(text(64))]
Text128 = Annotated[str, mapped_column(text(128))]
Text255 = Annotated[str, mapped_column(text(255))]
Text2048 = Annotated[str, mapped_column(text(2048))]
