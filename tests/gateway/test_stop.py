"""A gateway that stops leaves no task behind, however soon it stops: one that still used the database would never end,
since its connection's thread has ended, and the process would wait for it."""

import asyncio

import pytest

from gateway.configuration.settings import Settings
from gateway.services import running_services

# With an event loop of their own, in which no other gateway has tasks.
pytestmark = pytest.mark.asyncio(loop_scope="function")
CANCELLING = "Connection._cancel"
"""How asyncpg calls the task that tells the server."""


async def steps(count: int) -> None:
    """Let the event loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("rounds", [0, 1, 2, 5, 10, 30, 100, 300])
async def test_services_that_stop_at_once_leave_no_task_behind(database_url: str, rounds: int) -> None:
    before = asyncio.all_tasks()
    async with running_services(Settings(database_url=database_url)):
        await steps(rounds)
    assert asyncio.all_tasks() == before


async def test_a_look_up_under_way_leaves_no_task_behind(database_url: str) -> None:
    before = asyncio.all_tasks()
    async with running_services(Settings(database_url=database_url)) as services:
        asking = asyncio.create_task(services.directory.find("UNKNOWN"))
        await steps(1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    # PostgreSQL's driver may still be telling the server, which takes as long as that takes to answer.
    left = asyncio.all_tasks() - before
    await asyncio.gather(*(task for task in left if getattr(task.get_coro(), "__qualname__", "") == CANCELLING))
    assert asyncio.all_tasks() == before
