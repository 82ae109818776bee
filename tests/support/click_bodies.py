"""Clicks as raw bodies, and what is stored of them."""

import json
from typing import Any

import httpx

from tests.support.gateways import Gateway, body_of

URL = "https://yoursite.com/?aff=PARTNER123"


def body(**texts: str) -> bytes:
    """Return a click's body with additional fields, which are given as JSON."""
    fields = [f'"affiliate_url": "{URL}"', *(f'"{name}": {value}' for name, value in texts.items())]
    return ("{" + ", ".join(fields) + "}").encode()


async def event_of(gateway: Gateway, answer: httpx.Response) -> dict[str, Any]:
    assert (answer.status_code, body_of(answer).get("error")) == (200, None)
    click_id = body_of(answer)["click_id"]
    return next(event for event in await gateway.events() if event["click_id"] == click_id)


async def recorded(gateway: Gateway, sent: bytes) -> dict[str, Any]:
    """Send a body and return its event."""
    return await event_of(gateway, await gateway.send(sent))


async def data_of(gateway: Gateway, additional_data: str | bytes) -> Any:
    """Return the stored form of additional data, which is given as JSON."""
    if isinstance(additional_data, str):
        additional_data = additional_data.encode()
    event = await recorded(gateway, body()[:-1] + b', "additional_data": ' + additional_data + b"}")
    return json.loads(event["additional_data"])
