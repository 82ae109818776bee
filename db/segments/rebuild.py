"""Make all segments anew from the events, while gateways run."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from db.engine.store import Store
from db.outbox.backlog import Backlogs
from db.outbox.consumers import add_consumer, rewind_consumer
from db.outbox.runner import ConsumerRunner
from db.segments.builder import SegmentBuilder

# A gateway may be at work for the consumer.
WAIT_SECONDS = 0.5
Report = Callable[[int], None]
"""Is told how many events were dealt with since the last time."""


async def start_rebuild(store: Store, builders: Sequence[SegmentBuilder]) -> int:
    """Remove all segments; return about how many events are to be put into new ones. From then on until they are,
    reports read these events one by one. Raises `DatabaseUnavailable`."""
    for builder in builders:
        await add_consumer(store, builder)
        await rewind_consumer(store, builder)
    return await _waiting(Backlogs(store), builders)


async def rebuild_segments(
    store: Store, builders: Sequence[SegmentBuilder], report: Report, *, clock: Callable[[], datetime]
) -> None:
    """Make segments of all events that wait for it, unless a gateway does. Raises `DatabaseUnavailable`."""
    backlogs = Backlogs(store)
    left = await _waiting(backlogs, builders)
    runners = [ConsumerRunner(store, builder, clock=clock) for builder in builders]
    try:
        while left:
            worked = [await runner.run_once() for runner in runners]
            before, left = left, await _waiting(backlogs, builders)
            report(max(0, before - left))
            if left and not any(worked):
                await asyncio.sleep(WAIT_SECONDS)
    finally:
        for runner in runners:
            await runner.close()


async def _waiting(backlogs: Backlogs, builders: Sequence[SegmentBuilder]) -> int:
    measured = await backlogs.measure()
    return sum(measured[builder.name].events for builder in builders)
