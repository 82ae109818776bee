"""Acknowledged conversions survive when the process that records them is killed, and all that they add up to agrees."""

import asyncio
import sys
from collections import defaultdict

import pytest

from db.schema.conversions import LeadEvent, Sale
from db.schema.customers import Customer
from tests.support.conversion_world import ConversionWorld

pytestmark = pytest.mark.slow

ROUNDS = 3
SALES = 60


async def killed_under_load(url: str, name: str, acknowledged: dict[str, set[str]]) -> None:
    """Kill a process amid mixed records; note what it acknowledged before."""
    command = (sys.executable, "-m", "tests.support.conversion_load", url, name)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    sales = 0
    async with asyncio.timeout(60):
        async for line in process.stdout:
            if not line.endswith(b"\n"):
                break  # killed while it printed
            kind, _, id = line.decode().strip().partition(" ")
            acknowledged[kind].add(id)
            sales += kind == "sale"
            if sales == SALES:
                process.kill()
    await process.wait()
    assert sales >= SALES


async def test_a_killed_process_loses_no_acknowledged_conversion(database_url: str) -> None:
    world = await ConversionWorld.make(database_url)
    await world.rule()
    await world.rule(event="lead", kind="fixed", amount=99)
    acknowledged: dict[str, set[str]] = defaultdict(set)
    for round_number in range(ROUNDS):
        await killed_under_load(database_url, f"round{round_number}", acknowledged)
        assert not await world.differences()
    assert {str(row.id) for row in await world.rows(Sale)} >= acknowledged["sale"]
    assert {str(row.id) for row in await world.rows(LeadEvent)} >= acknowledged["lead"]
    assert {row.click_id for row in await world.rows(Customer)} >= acknowledged["click"]
    await world.close()
