"""Shared code of the tests of outages: ways to break a database, and checks of a gateway before, during and after."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from gateway.health import PROBE_INTERVAL_SECONDS
from tests.support.gateways import Gateway, body_of, make_link, running_gateway

ROLES = count(1)
# Readiness is found out once a second, and an outage's end, too.
HEALED_SECONDS = 5 * PROBE_INTERVAL_SECONDS


async def readiness(gateway: Gateway) -> httpx.Response:
    """Ask for it, when it is not known from the last time any more."""
    await asyncio.sleep(PROBE_INTERVAL_SECONDS)
    return await gateway.http.get("/readyz")


async def check_ready(gateway: Gateway) -> None:
    """Check that readiness, clicks, mutations and reads all work within a second or two."""
    async with asyncio.timeout(HEALED_SECONDS):
        while (await gateway.http.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
    assert (await gateway.track()).status_code == 200
    token = await gateway.token()
    mutation = 'mutation { createProgram(input: {name: "Healed"}) { program { name } } }'
    assert (await gateway.graphql(mutation, token=token))["data"]["createProgram"]["program"] == {"name": "Healed"}
    assert "errors" not in await gateway.graphql("{ programs { nodes { name } } }", token=token)


async def check_not_ready(gateway: Gateway) -> str:
    """Check that the gateway is not ready; return the reason, if it gives one."""
    answer = await readiness(gateway)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    body = body_of(answer)
    assert (body["status"], body["database"], body["queue"]) == ("not ready", "away", "ok")
    return str(body.get("reason", ""))


@asynccontextmanager
async def session(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@asynccontextmanager
async def with_role(url: str) -> AsyncIterator[tuple[Gateway, asyncpg.Connection, str]]:
    """Run a gateway with an ordinary database role; yield it, the owner's session and the role."""
    await make_link(url)
    role = f"clicks_role_{next(ROLES)}"
    async with session(url) as owner:
        await owner.execute(
            f"CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
        )
        parts = urlsplit(url)
        theirs = urlunsplit(parts._replace(netloc=f"{role}@"))
        async with running_gateway(theirs) as gateway:
            await check_ready(gateway)
            yield gateway, owner, role


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[Path]:
    """Mount a small disk, which requires root."""
    if os.system(f"mount -t tmpfs -o size={size} tmpfs {folder} 2>/dev/null"):
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        os.system(f"umount -l {folder}")


def fill(file: Path) -> None:
    """Write until the disk has no room."""
    with open(file, "ab", buffering=0) as output, suppress(OSError):
        while True:
            output.write(bytes(4096))
