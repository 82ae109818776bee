"""A client for graphql-transport-ws, written from the protocol's specification rather than with a library."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.click_apis import GRAPHQL
from tests.support.gateways import Gateway

PROTOCOL = Subprotocol("graphql-transport-ws")
WATCH = """
subscription ($programId: ID, $linkId: ID) {
  clickTracked(programId: $programId, linkId: $linkId) { pageTitle referralLink { code } }
}
"""
# The title of clicks sent to detect that a subscription has started, which the protocol does not report.
WARM_UP = "warm-up"
SECONDS = 10


class Subscriber:
    """One operation on a socket."""

    def __init__(self, ws: ClientConnection, id: str = "1") -> None:
        self.ws = ws
        self.id = id

    async def send(self, type: str, **rest: Any) -> None:
        await self.ws.send(json.dumps({"type": type, "id": self.id, **rest}))

    async def subscribe(self, query: str = WATCH, **variables: Any) -> None:
        await self.send("subscribe", payload={"query": query, "variables": variables})

    async def begin(self, gateway: Gateway, code: str = "PARTNER123") -> None:
        """Send clicks until one of them arrives; all clicks sent afterwards will arrive too."""
        async with asyncio.timeout(SECONDS):
            while True:
                await gateway.track(code, page_title=WARM_UP)
                try:
                    async with asyncio.timeout(0.4):
                        message = await self.receive()
                    assert message["type"] == "next", message
                    return
                except TimeoutError:
                    continue

    async def receive(self) -> dict[str, Any]:
        """Return the next message of any kind."""
        message: dict[str, Any] = json.loads(await self.ws.recv())
        assert message["id"] == self.id
        return message

    async def click(self) -> dict[str, Any]:
        """Return the next click that is not one of the detecting ones."""
        async with asyncio.timeout(SECONDS):
            while True:
                payload = (await self.receive())["payload"]
                assert "errors" not in payload, payload
                click: dict[str, Any] = payload["data"]["clickTracked"]
                if click.get("pageTitle") != WARM_UP:
                    return click

    async def titles(self, last: str) -> list[str]:
        """Return the titles of the clicks that arrive, up to the last one."""
        found: list[str] = []
        while not found or found[-1] != last:
            found.append((await self.click())["pageTitle"])
        return found

    async def end(self) -> str:
        """Return the code of the error that ends the operation."""
        async with asyncio.timeout(SECONDS):
            while "errors" not in (payload := (await self.receive()).get("payload", {})):
                pass
        (error,) = payload["errors"]
        code: str = error["extensions"]["code"]
        return code


def address(url: str) -> str:
    """Return the URL of a gateway's WebSocket endpoint, given its base URL."""
    return url.rstrip("/").replace("http", "ws", 1) + GRAPHQL


@asynccontextmanager
async def opened(url: str, token: str | None, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket to a gateway, given its base URL, and complete the handshake."""
    async with connect(address(url), subprotocols=[PROTOCOL], **options) as ws:
        payload = {} if token is None else {"Authorization": f"Bearer {token}"}
        await ws.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await ws.recv()) == {"type": "connection_ack"}
        yield ws


@asynccontextmanager
async def watching(
    gateway: Gateway, token: str, code: str = "PARTNER123", query: str = WATCH, **variables: Any
) -> AsyncIterator[Subscriber]:
    """Subscribe, and wait until the subscription has started; `code` is a link whose clicks it includes."""
    async with opened(str(gateway.http.base_url), token) as ws:
        subscriber = Subscriber(ws)
        await subscriber.subscribe(query, **variables)
        await subscriber.begin(gateway, code)
        yield subscriber
