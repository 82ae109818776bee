"""CORS: a page of any origin may read every response of the endpoint, including errors, without credentials."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from tests.support.click_apis import CLICK
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway
from tests.support.unclassified_fault import unforeseen

PAGE = {"Origin": "https://yoursite.com"}
PREFLIGHT = PAGE | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.fixture
async def served(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    """Run a gateway for tests that do not depend on the database."""
    async with running_gateway(make_sqlite()) as gateway:
        yield gateway


def readable_status(answer: httpx.Response) -> int:
    """Check that any page may read the response, and return its status."""
    assert answer.headers.get_list("Access-Control-Allow-Origin") == ["*"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    if answer.content:
        assert answer.headers["Content-Type"] == "application/json"
        assert isinstance(body_of(answer), dict)
    return answer.status_code


def listed(answer: httpx.Response, header: str) -> list[str]:
    return [name.strip().lower() for name in answer.headers[header].split(",")]


async def sent(gateway: Gateway, body: bytes, method: str = "POST") -> int:
    return readable_status(await gateway.http.request(method, CLICK, content=body, headers=PAGE))


async def test_every_ordinary_response_is_readable_by_any_page(served: Gateway) -> None:
    await served.link("PARTNER123")
    await served.link("PAUSED", status="inactive")
    for code, status in {"PARTNER123": 200, "PAUSED": 200, "nobodys": 400}.items():
        assert readable_status(await served.track(code)) == status
    assert readable_status(await served.track(None)) == 400
    assert readable_status(await served.track(None, additional_data={"test_mode": True})) == 200
    assert readable_status(await served.track(None, additional_data={"test_mode": True, "program_id": -1})) == 400
    assert [await sent(served, body) for body in (b"[", b"\xff", b" " * (64 * 1024 + 1))] == [400, 400, 413]


async def test_a_response_is_readable_with_and_without_an_origin(served: Gateway) -> None:
    await served.link()
    for origin in ({}, {"Origin": "null"}, {"Origin": "https://elsewhere.example"}, {"Cookie": "a=b"}):
        body = b'{"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}'
        assert readable_status(await served.send(body, **origin)) == 200


async def test_a_preflight_is_allowed_and_cached(served: Gateway) -> None:
    for headers in (PREFLIGHT, {}, PREFLIGHT | {"Access-Control-Request-Private-Network": "true"}):
        answer = await served.http.options(CLICK, headers=headers)
        assert (readable_status(answer), answer.content) == (204, b"")
        assert int(answer.headers["Access-Control-Max-Age"]) > 0
        assert "post" in listed(answer, "Access-Control-Allow-Methods")
        assert "content-type" in listed(answer, "Access-Control-Allow-Headers")
    assert await served.recorded() == 0


@pytest.mark.slow
async def test_other_methods_are_refused_with_cors_headers(served: Gateway) -> None:
    await served.link()
    body = b'{"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}'
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        answer = await served.http.request(method, CLICK, content=body, headers=PAGE)
        assert (method, answer.status_code) == (method, 405)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert {"post", "options"} <= set(listed(answer, "Allow"))
    assert await served.recorded() == 0


async def test_a_rate_limit_error_is_readable(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="1/day") as gateway:
        assert [await sent(gateway, b"{}") for _ in range(3)] == [400, 429, 429]


@pytest.mark.slow
async def test_an_overload_error_is_readable(database_url: str) -> None:
    async with running_gateway(database_url, queue_clicks="1") as gateway:
        await gateway.link()
        async with gateway.held():
            waiting = [asyncio.create_task(gateway.track()) for _ in range(5)]
            while not any(task.done() for task in waiting):
                await asyncio.sleep(0.01)
        answers = await asyncio.gather(*waiting)
        assert {readable_status(answer) for answer in answers} == {200, 503}


async def test_an_unexpected_error_is_readable(gateway: Gateway) -> None:
    await gateway.link()
    fault = unforeseen("affiliate_click_events", is_sqlite=gateway.store.is_sqlite)
    await gateway.execute(text(fault.breaks))
    assert readable_status(await gateway.track()) == 500
