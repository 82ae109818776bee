"""A difference that an audit finds, and how it reads the rows of a query for them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

# A damaged table may have millions of wrong rows, of which the first ones are enough.
LISTED_DIFFERENCES = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored value that disagrees with the events. `counter` names the counter and its row."""

    counter: str
    counted: Any
    events: Any
    last_counted: datetime | None = None
    last_event: datetime | None = None


async def first_rows(connection: AsyncConnection, query: Select[*tuple[Any, ...]]) -> AsyncIterator[Any]:
    """Yield the rows of a query, as many as are listed."""
    async with connection.stream(query.limit(LISTED_DIFFERENCES)) as rows:
        async for row in rows:
            yield row
