"""Where lists and reports are read from: a replica, if there is one that has everything the caller must see.

A caller who has changed something sees its change from then on. What a caller must see is a position in the primary's
log: of its latest mutation, which this process remembers, and which responses name for requests to other processes.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

from cachetools import LRUCache
from msgspec.structs import replace

from db.engine.replica import Replica
from db.engine.store import Store
from graph.domain.context import Context
from graph.domain.errors import DatabaseAway, outages
from graph.domain.scope import Viewer

# Callers whose latest change this process remembers. By the time that so many others have changed something, it has
# long reached the replica.
MOST_CALLERS = 10_000
T = TypeVar("T")


class ReadFrom(NamedTuple):
    """Where something is read from: the database, and for a replica the time up to which it shows every commit."""

    store: Store
    as_of: datetime | None = None


def remembered_changes() -> LRUCache[Viewer, int]:
    """Return a memory for `Services.written`."""
    return LRUCache(MOST_CALLERS)


def read(context: Context, work: Callable[[ReadFrom], Awaitable[T]]) -> Awaitable[T]:
    """Return the result of `work`, which reads from the replica if that has what the caller must see. Otherwise, and if
    the replica fails, it reads from the primary. Raises what `work` does."""
    replica = context.services.replica
    return work(ReadFrom(context.services.store)) if replica is None else _read_beside(replica, context, work)


async def _read_beside(replica: Replica, context: Context, work: Callable[[ReadFrom], Awaitable[T]]) -> T:
    as_of = replica.as_of(_position(context))
    if as_of is not None:
        try:
            async with replica.reading() as store:
                return await work(ReadFrom(store, as_of))
        except (DatabaseAway, TimeoutError):
            pass  # whoever follows the replica says why
    return await work(ReadFrom(context.services.store))


async def changed(context: Context) -> None:
    """Remember that a caller may have changed something, which it must see from now on. A caller without a token can
    read nothing. Raises `DatabaseAway`."""
    replica, viewer = context.services.replica, context.viewer
    if replica is None or viewer is None:
        return
    with outages():
        position = await replica.written()
    # The answers to two changes at once may come in either order.
    context.services.written[viewer] = max(position, context.services.written.get(viewer, 0))


async def from_now_on(context: Context) -> Context:
    """Return the context of reads that must all see what is committed by now, such as the pages of one list. Raises
    `DatabaseAway`."""
    replica = context.services.replica
    if replica is None:
        return context
    with outages():
        return replace(context, position=await replica.written())


def _position(context: Context) -> int:
    own = 0 if context.viewer is None else context.services.written.get(context.viewer, 0)
    return max(context.position, own)
