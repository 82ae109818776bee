"""Follow the clicks of several gateways on one PostgreSQL database under load: each committed click must arrive exactly
once, both by time and by id.

    python -m tests.benchmarks.following --gateways 2 --seconds 60
"""

import argparse
import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
from sqlalchemy import func, select

from db.engine.store import Store
from db.schema.clicks import ClickEvent
from tests.benchmarks.script_result import Wrong, run
from tests.support.click_load import Load
from tests.support.databases import postgres_databases, postgres_server
from tests.support.gateways import make_link
from tests.support.processes import serving

TOKEN = "follower"
QUERY = """query ($after: String) {
  clickEvents(first: 100, after: $after, orderBy: {field: ORDER, direction: ASC}) {
    nodes { databaseId } pageInfo { hasNextPage endCursor }
  }
}"""
# Longer than a dead gateway delays followers.
LATEST_SECONDS = 15


@dataclass
class Follower:
    """A client that pages forward and continues from the last cursor."""

    url: str
    order: str
    ids: list[int] = field(default_factory=list)
    cursor: str | None = None

    async def follow(self, done: asyncio.Event) -> None:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20) as http:
            while not done.is_set():
                body = {"query": QUERY.replace("ORDER", self.order), "variables": {"after": self.cursor}}
                page: Any = (await http.post(f"{self.url}/graphql", json=body)).json()["data"]["clickEvents"]
                self.ids += [node["databaseId"] for node in page["nodes"]]
                self.cursor = page["pageInfo"]["endCursor"]
                if not page["pageInfo"]["hasNextPage"]:
                    await asyncio.sleep(0.05)


async def follow(database_url: str, gateways: int, seconds: int) -> None:
    """Load gateways for some seconds, follow them, and compare. Raises `Wrong`."""
    await make_link(database_url)
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(serving(database_url, admin_token=TOKEN)) for _ in range(gateways)]
        urls = [url for _, url in running]
        followers = [Follower(url, order) for url in urls for order in ("OCCURRED_AT", "ID")]
        loads, done = [Load(url) for url in urls], asyncio.Event()
        following = [asyncio.create_task(follower.follow(done)) for follower in followers]
        for load in loads:
            load.start()
        await asyncio.sleep(seconds)
        for load in loads:
            await load.stop()
        store = Store(database_url)
        async with store.read() as connection:
            events = await connection.scalar(select(func.count()).select_from(ClickEvent)) or 0
        await store.close()
        until = monotonic() + LATEST_SECONDS
        while monotonic() < until and any(len(follower.ids) < events for follower in followers):
            await asyncio.sleep(0.1)
        done.set()
        await asyncio.gather(*following)
    for follower in followers:
        print(f"{follower.url} by {follower.order}: {len(follower.ids)} of {events} clicks")
        if len(set(follower.ids)) != len(follower.ids) or len(follower.ids) != events:
            raise Wrong(f"{events - len(set(follower.ids))} clicks were lost")


def main() -> None:
    """Run the test that the command line asks for."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--gateways", type=int, default=2, help="processes on one database (default: %(default)s)")
    ask.add_argument("--seconds", type=int, default=60, help="of load (default: %(default)s)")
    options = ask.parse_args()
    with postgres_server() as server, postgres_databases(server) as make:
        asyncio.run(follow(make(), options.gateways, options.seconds))


if __name__ == "__main__":
    run(main)
