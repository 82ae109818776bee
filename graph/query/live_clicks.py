"""Clicks as they are committed, in whichever process, to whom they may be shown."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

from db.outbox.live_feed import Committed, Watcher
from graph.domain.context import Context
from graph.domain.errors import DatabaseAway, Unauthenticated, outages
from graph.domain.permissions import viewer_of
from graph.query.plan import Wanted
from graph.query.rows import Values, reading

# A revoked token's subscription is closed within a second, the look-up included.
CHECK_SECONDS = 0.75
# A database that says nothing for so long has gone; the clicks are missed.
READ_SECONDS = 5


async def clicks(
    context: Context, wanted: Wanted, values: Values, *, program_id: int | None = None, link_id: int | None = None
) -> AsyncGenerator[Any, None]:
    """Yield each click that is committed from now on, of a program and of a link if those are named, finished as
    wanted; at most once, and some not at all where the watcher falls behind or the database goes away meanwhile.
    Raises `Unauthenticated`, also when the token is no longer good, and `DatabaseAway` before it begins."""
    viewer_of(context)
    async with _watching(context) as watcher:
        checked_at = monotonic()
        while True:
            committed = await _next(watcher, checked_at + CHECK_SECONDS)
            if monotonic() - checked_at >= CHECK_SECONDS:
                await _check_token(context)
                checked_at = monotonic()
            if committed is None or program_id not in (None, committed.program_id):
                continue
            for click in await _read(context, wanted, values, committed, link_id):
                yield click


@asynccontextmanager
async def _watching(context: Context) -> AsyncIterator[Watcher]:
    async with AsyncExitStack() as stack:
        with outages():
            watcher = await stack.enter_async_context(context.services.feed.watching())
        yield watcher


async def _next(watcher: Watcher, until: float) -> Committed | None:
    """Return what was committed next, or None where nothing is until then, by the monotonic clock."""
    try:
        async with asyncio.timeout(until - monotonic()):
            return await watcher.get()
    except TimeoutError:
        return None


async def _check_token(context: Context) -> None:
    token_id = viewer_of(context).token_id
    try:
        with outages():
            if token_id is not None and not await context.services.is_good(token_id):
                raise Unauthenticated
    except DatabaseAway:
        return  # nothing can be shown then, either


async def _read(
    context: Context, wanted: Wanted, values: Values, committed: Committed, link_id: int | None
) -> list[Any]:
    lookup, named = "range", committed._asdict()
    if link_id is not None:
        lookup, named = "range_of_link", {**named, "link_id": link_id}
    try:
        async with asyncio.timeout(READ_SECONDS), reading(context, values) as reader:
            return list((await reader.rows(wanted, lookup, named)).values())
    except (DatabaseAway, TimeoutError):
        return []  # as if the watcher had fallen behind; it need not subscribe again
