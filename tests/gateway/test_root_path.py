"""A gateway under a proxy's path prefix, which the proxy may strip or pass on."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway
from tests.support.graphql_sockets import opened
from tests.support.processes import clickgate
from tests.support.reverse_proxy import reverse_proxy

pytestmark = pytest.mark.slow

ROOT = "/affiliate"
VISIT = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}
PATHS: dict[str, Any] = {"click_path": "/hello/c", "tracker_path": "/hello/t.js"}


@asynccontextmanager
async def proxied(url: str, strips: bool, **settings: Any) -> AsyncIterator[tuple[Gateway, str]]:
    async with (
        running_gateway(url, root_path=ROOT, **settings) as gateway,
        reverse_proxy(gateway.http.base_url.port or 0, ROOT, strips=strips) as base,
    ):
        yield gateway, base


@pytest.mark.parametrize("strips", [True, False])
async def test_endpoints_are_served_under_the_path(make_sqlite: MakeDatabase, strips: bool) -> None:
    async with proxied(make_sqlite(), strips, **PATHS) as (gateway, base), httpx.AsyncClient(timeout=20) as http:
        await gateway.link()
        for path in ("/api/v1/track/click", "/hello/c", "//api/v1/track/click/", f"{ROOT}/api/v1/track/click"):
            assert (await http.post(base + path, json=VISIT)).status_code == 200
        assert (await http.post(f"{base}/graphql", json={"query": "{ __typename }"})).status_code == 200
        for path in ("/healthz", "/readyz", "/metrics", "/js/tracker.js", "/hello/t.js"):
            assert (await http.get(base + path)).status_code == 200
        missing = await http.get(f"{base}/api/v1/nothing")
        assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (404, "*")
        assert body_of(await http.get(f"{base}/openapi.json"))["servers"] == [{"url": ROOT}]
        for path in ("", "/"):
            assert (await http.get(base + path)).headers["location"] == f"{ROOT}/dashboard"
        async with opened(base, await gateway.token()):
            pass
        assert await gateway.recorded() == 4


def test_the_openapi_command_includes_the_root_path(make_sqlite: MakeDatabase) -> None:
    printed = clickgate(make_sqlite(), "openapi", root_path=f"{ROOT}/")
    assert json.loads(printed.stdout)["servers"] == [{"url": ROOT}]


@pytest.mark.parametrize("wrong", ["affiliate", "/a b", "/a//b", "https://example.com/a"])
def test_an_invalid_root_path_is_reported(make_sqlite: MakeDatabase, wrong: str) -> None:
    done = clickgate(make_sqlite(), "openapi", root_path=wrong)
    assert done.returncode == 2
    assert "CLICKGATE_ROOT_PATH" in done.stderr


@pytest.mark.parametrize("strips", [True, False])
async def test_the_pages_work_under_the_path(make_sqlite: MakeDatabase, browser: Browser, strips: bool) -> None:
    async with proxied(make_sqlite(), strips) as (gateway, base):
        await gateway.link()
        await gateway.track()
        page = await (await browser.new_context()).new_page()
        failed: list[str] = []
        sockets: list[str] = []
        page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.on("websocket", lambda socket: sockets.append(socket.url))
        await page.goto(f"{base}/dashboard#token={await gateway.token()}")
        await page.get_by_role("link", name="Links").click()
        await expect(page.get_by_text("PARTNER123").first).to_be_visible()
        assert page.url.startswith(f"{base}/dashboard/links?")
        await page.reload()
        await expect(page.get_by_text("PARTNER123").first).to_be_visible()
        await page.wait_for_timeout(500)
        assert set(sockets) == {base.replace("http", "ws", 1) + "/graphql"}
        await page.goto(f"{base}/graphql")
        await expect(page.locator(".graphiql-container")).to_be_visible()
        await page.wait_for_timeout(500)
        assert not failed


@pytest.mark.parametrize("strips", [True, False])
async def test_the_tracker_posts_below_the_path(make_sqlite: MakeDatabase, browser: Browser, strips: bool) -> None:
    async with proxied(make_sqlite(), strips) as (gateway, base):
        await gateway.link()
        context = await browser.new_context()
        page = await context.new_page()
        script = f'<script src="{base}/js/affitor-tracker.js" data-affitor-program-id="1"></script>'
        shop = f"{base.removesuffix(ROOT)}/shop"
        await context.route(f"{shop}**", lambda route: route.fulfill(body=script, content_type="text/html"))
        await page.goto(f"{shop}?aff=PARTNER123")
        await page.wait_for_function("() => window.affitor && affitor.clickId")
        assert await gateway.recorded() == 1
        assert (await page.evaluate("affitor.signup('user_1', 'alice@example.com')"))["success"] is True
