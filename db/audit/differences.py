"""A difference that an audit finds, and how it reads the rows of a query for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select

from db.engine.backend.protocol import Source
from db.sql.compiled_queries import CompiledQuery

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


async def first_rows(
    source: Source, query: Callable[..., Select[*tuple[Any, ...]]], *arguments: str
) -> Sequence[tuple[Any, ...]]:
    """Return the rows of the query that a function makes of the arguments, as many as are listed."""
    return await source.fetch(_first(query, *arguments), {})


# An audit has a hundred queries. In a small database, building them takes far longer than running them.
@cache
def _first(query: Callable[..., Select[*tuple[Any, ...]]], *arguments: str) -> CompiledQuery:
    return CompiledQuery(query(*arguments).limit(LISTED_DIFFERENCES))
