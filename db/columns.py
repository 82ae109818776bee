"""The column types that the tables share.

Apart from the tables, so that those read as facts of the trade and not of two databases.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from msgspec import to_builtins
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, TypeDecorator, func
from sqlalchemy.orm import mapped_column

# A rollup's start of a day is written into thousands of rows, and read from as many.
MOMENTS = 4096


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, sortable text without an offset on SQLite.

    Takes aware values only, so that no local time is ever stored by accident; returns aware values.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        return value

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return sortable_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # PostgreSQL's driver gives aware values, in UTC.
        return stored_moment if dialect.name == "sqlite" else None


@lru_cache(MOMENTS)
def sortable_text(moment: datetime | None) -> str | None:
    """Return a moment as SQLite keeps it. Raises `ValueError` for one without a time zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a stored moment needs a time zone")
    # RFC 3339 by the encoder takes a quarter of the time of `isoformat`.
    text: str = to_builtins(moment.astimezone(UTC)).replace("T", " ").removesuffix("Z")
    return text if moment.microsecond else f"{text}.000000"


@lru_cache(MOMENTS)
def stored_moment(text: str | None) -> datetime | None:
    """Return the moment that `sortable_text` wrote."""
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def text(length: int) -> String:
    """Return a text of at most `length` characters, sorted and compared by code point on both databases."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


# SQLite numbers rows by itself only where the column is declared INTEGER.
RowId = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"))]
Count = Annotated[int, mapped_column(BigInteger, server_default="0")]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]
# SQLite's own clock leaves the fraction of a second out, and moments are compared there as text.
CreatedAt = Annotated[
    datetime, mapped_column(UtcDateTime, default=lambda: datetime.now(UTC), server_default=func.now())
]
Text32 = Annotated[str, mapped_column(text(32))]
Text64 = Annotated[str, mapped_column(text(64))]
Text128 = Annotated[str, mapped_column(text(128))]
Text255 = Annotated[str, mapped_column(text(255))]
Text512 = Annotated[str, mapped_column(text(512))]
Text2048 = Annotated[str, mapped_column(text(2048))]
