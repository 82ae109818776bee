"""Memory stays flat under clicks of every kind; `tests/benchmarks/` has the long version of this test."""

import asyncio
from random import Random
from typing import Any

import httpx
import psutil
import pytest

from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import serving

pytestmark = pytest.mark.slow

# Half of the requests are clicks that are recorded: fewer than a segment waits for. The libraries that make the first
# one take forty megabytes, whenever that is.
VISITORS = 16
WARM_UP_REQUESTS, SOAK_REQUESTS = 300, 800
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


async def visit(url: str, requests: int, random: Random) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        for _ in range(requests):
            answer = await http.post("/api/v1/track/click", json=body(random))
            assert answer.status_code in (200, 400)


async def test_memory_stays_flat(make_sqlite: MakeDatabase) -> None:
    database_url = make_sqlite()
    await make_link(database_url)
    async with serving(database_url) as (process, url):

        async def load(requests: int, seed: int) -> int:
            await asyncio.gather(*(visit(url, requests, Random(seed + number)) for number in range(VISITORS)))
            resident: int = psutil.Process(process.pid).memory_info().rss
            return resident

        warm = await load(WARM_UP_REQUESTS, 1)
        assert await load(SOAK_REQUESTS, 1000) - warm < GROWTH_BYTES
