"""Memory stays flat under clicks of every kind; `tests/benchmarks/` has the long version of this test."""

import asyncio
from random import Random
from time import monotonic
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import func, select

from db.engine.store import Store
from db.schema.segments import ReportSegment
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import serving

pytestmark = pytest.mark.slow

WARM_UP_SECONDS = 6
SOAK_SECONDS = 10
# Normal variation of the allocator over thousands of clicks. A leak of 10 KB per click would be several times as much.
GROWTH_BYTES = 12 * 1024 * 1024


def body(random: Random) -> dict[str, Any]:
    """Return a click, a click with a new code, a large one, a test event or an invalid one."""
    noise = f"{random.getrandbits(64):x}"
    click = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123", "user_agent": f"Mozilla/5.0 (X11) {noise}"}
    return random.choice(
        [
            {**click, "event_id": noise},
            {
                **click,
                "existing_click_id": f"cust_{random.randrange(5000)}_1",
                "page_url": f"https://a.example/{noise}",
            },
            {"affiliate_url": f"https://yoursite.com/?aff={noise}"},
            {**click, "additional_data": {noise: "x" * 20_000}},
            {"additional_data": {"test_mode": True, "program_id": 1, "noise": noise}},
            {**click, "page_title": 5},
        ]
    )


async def visit(url: str, seconds: float, random: Random) -> None:
    end = monotonic() + seconds
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        while monotonic() < end:
            answer = await http.post("/api/v1/track/click", json=body(random))
            assert answer.status_code in (200, 400)


async def test_memory_stays_flat(make_sqlite: MakeDatabase) -> None:
    database_url = make_sqlite()
    await make_link(database_url)
    async with serving(database_url) as (process, url):

        async def load(seconds: float, seed: int) -> int:
            await asyncio.gather(*(visit(url, seconds, Random(seed + number)) for number in range(16)))
            resident: int = psutil.Process(process.pid).memory_info().rss
            return resident

        warm = await load(WARM_UP_SECONDS, 1)
        seed = 100
        # The first segment takes forty megabytes of libraries and buffers into memory.
        while not await _segments(database_url):
            warm, seed = await load(WARM_UP_SECONDS, seed), seed + 100
        assert await load(SOAK_SECONDS, 10_000) - warm < GROWTH_BYTES


async def _segments(database_url: str) -> int:
    store = Store(database_url)
    async with store.read() as connection:
        segments = await connection.scalar(select(func.count()).select_from(ReportSegment)) or 0
    await store.close()
    return segments
