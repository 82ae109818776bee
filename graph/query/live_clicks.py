"""Clicks as they are committed, in any process, for the viewers who may see them.

The live feed only announces ranges of ids; the clicks themselves are read here, within the viewer's scope.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

from db.outbox.live_feed import Committed, Watcher
from graph.domain.context import Context
from graph.domain.errors import DatabaseAway, Unauthenticated, outages
from graph.domain.permissions import viewer_of
from graph.domain.sessions import is_still_valid
from graph.query.plan import RowPlan
from graph.query.rows import ParameterValues, snapshot_reader

# Closes the subscription of a revoked token within a second, including the lookup.
CHECK_SECONDS = 0.75
# A database that takes longer is treated as unavailable, and the clicks are missed.
READ_SECONDS = 5


async def clicks(
    context: Context,
    plan: RowPlan,
    values: ParameterValues,
    *,
    program_id: int | None = None,
    link_id: int | None = None,
) -> AsyncGenerator[Any, None]:
    """Yield each click committed from now on, optionally only those of a program or a link, built according to the
    plan. A click is yielded at most once, and may be missed if the watcher falls behind or the database is unavailable.
    Raises `Unauthenticated`, also once the token stops being valid, and `DatabaseAway` before the first
    click."""
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
            for click in await _read(context, plan, values, committed, link_id):
                yield click


@asynccontextmanager
async def _watching(context: Context) -> AsyncIterator[Watcher]:
    async with AsyncExitStack() as stack:
        with outages():
            watcher = await stack.enter_async_context(context.services.feed.watching())
        yield watcher


async def _next(watcher: Watcher, until: float) -> Committed | None:
    """Return the next commit, or None if there is none by a time of the monotonic clock."""
    try:
        async with asyncio.timeout(until - monotonic()):
            return await watcher.get()
    except TimeoutError:
        return None


async def _check_token(context: Context) -> None:
    try:
        with outages():
            if not await is_still_valid(context):
                raise Unauthenticated
    except DatabaseAway:
        return  # no click can be read either


async def _read(
    context: Context, plan: RowPlan, values: ParameterValues, committed: Committed, link_id: int | None
) -> list[Any]:
    lookup, named = "range", committed._asdict()
    if link_id is not None:
        lookup, named = "range_of_link", {**named, "link_id": link_id}
    try:
        async with asyncio.timeout(READ_SECONDS), snapshot_reader(context, values) as reader:
            return list((await reader.rows(plan, lookup, named)).values())
    except (DatabaseAway, TimeoutError):
        return []  # missed, as if the watcher had fallen behind; the subscription goes on
