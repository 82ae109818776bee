"""Speaks `graphql-transport-ws` message by message with a small schema."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
SECONDS = 5


@asynccontextmanager
async def socket(address: str, payload: Any = None, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open a socket and introduce oneself."""
    async with asyncio.timeout(SECONDS), connect(f"ws://{address}", subprotocols=[PROTOCOL], **options) as ws:
        await send(ws, type="connection_init", **({} if payload is None else {"payload": payload}))
        yield ws


async def send(ws: ClientConnection, **message: Any) -> None:
    await ws.send(json.dumps(message))


async def receive(ws: ClientConnection) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(await ws.recv()))


async def closed(ws: ClientConnection) -> int:
    """Return the code that the server closes a socket with."""
    await ws.wait_closed()
    assert ws.close_code is not None
    return ws.close_code


async def subscribe(ws: ClientConnection, query: str, id: str = "1", **payload: Any) -> None:
    await send(ws, type="subscribe", id=id, payload={"query": query, **payload})


async def ask(ws: ClientConnection, query: str, **payload: Any) -> list[dict[str, Any]]:
    """Return what follows an operation, up to its end."""
    await subscribe(ws, query, **payload)
    messages = []
    while True:
        messages.append(await receive(ws))
        if messages[-1]["type"] in ("complete", "error"):
            return messages
