"""The sites of `examples/nginx`, served by a real nginx in front of a real gateway."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select, text
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from db.engine.store import Store
from db.schema.clicks import ClickEvent
from graph.http.session_cookie import SECURE_NAME
from tests.support.click_apis import CLICK, GRAPHQL
from tests.support.databases import MakeDatabase
from tests.support.export_readers import make_wide_clicks
from tests.support.exports import json_rows, path_of
from tests.support.gateways import URL, Gateway, make_link, running_gateway
from tests.support.graphql_sockets import Subscriber, opened
from tests.support.nginx import Nginx, running_nginx
from tests.support.processes import COMMAND, environment, ready, stop
from tests.support.web_pages import loaded, need_pages

pytestmark = pytest.mark.slow

ROOTS = {"own-host.conf": "", "sub-path.conf": "/affiliate"}
UPSTREAM = "server 127.0.0.1:8000;"
SOCKET = "# server unix:/run/clickgate/gateway.sock;"
# An export of so many takes a second or more.
WIDE_CLICKS = 6000
VISIT = {"affiliate_url": URL.format("PARTNER123")}
# All of 127.0.0.0/8 is local, so a visitor's address can differ from nginx's.
VISITOR = "127.0.0.2"
FORGED = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Forwarded-Proto": "http"}


@dataclass(frozen=True, slots=True)
class Site:
    """A site with a gateway behind it. `base` is the gateway's public URL, and `http` a visitor's client."""

    gateway: Gateway
    nginx: Nginx
    base: str
    http: httpx.AsyncClient


@asynccontextmanager
async def visited(nginx: Nginx) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(verify=nginx.trust, local_address=VISITOR)
    async with httpx.AsyncClient(transport=transport, timeout=20) as http:
        yield http


@pytest.fixture(params=ROOTS)
async def site(request: pytest.FixtureRequest, make_sqlite: MakeDatabase, tmp_path: Path) -> AsyncIterator[Site]:
    root = ROOTS[request.param]
    settings = {"trusted_proxies": "127.0.0.1", "ip_storage": "full", "root_path": root}
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "index.html").write_text("the shop")
    async with running_gateway(make_sqlite(), **settings) as gateway:  # type: ignore[arg-type]  # settings only
        upstream = f"server 127.0.0.1:{gateway.http.base_url.port};"
        placeholders = {UPSTREAM: upstream} | ({"/var/www/shop": str(tmp_path / "shop")} if root else {})
        with running_nginx(request.param, tmp_path, placeholders) as nginx:
            async with visited(nginx) as http:
                yield Site(gateway, nginx, nginx.url + root, http)


async def test_clicks_are_recorded_with_the_visitors_address(site: Site) -> None:
    await site.gateway.link()
    for _ in range(20):
        answer = await site.http.post(site.base + CLICK, json=VISIT, headers=FORGED)
        assert answer.status_code == 200
        assert answer.json()["success"]
    assert {event["ip_address"] for event in await site.gateway.events()} == {VISITOR}
    # nginx must not log addresses that the gateway may be configured not to store.
    assert "track" not in (site.nginx.folder / "access.log").read_text()


async def test_queries_are_answered(site: Site) -> None:
    headers = {"Authorization": f"Bearer {await site.gateway.token()}"}
    answer = await site.http.post(site.base + GRAPHQL, json={"query": "{ viewer { role } }"}, headers=headers)
    assert answer.json()["data"] == {"viewer": {"role": "ADMIN"}}


async def test_a_subscription_delivers_clicks(site: Site) -> None:
    await site.gateway.link()
    token = await site.gateway.token()
    # The origin of a page of the same host, such as the dashboard.
    async with opened(site.base, token, ssl=site.nginx.trust, origin=Origin(site.nginx.url)) as ws:
        subscriber = Subscriber(ws)
        await subscriber.subscribe()
        await subscriber.begin(site.gateway)
        await site.http.post(site.base + CLICK, json={**VISIT, "page_title": "Pricing"})
        assert (await subscriber.click())["pageTitle"] == "Pricing"


async def test_an_export_that_is_broken_off_is_not_completed(site: Site) -> None:
    await check_exports(site.gateway, site.base, site.http)


# The version that nginx speaks to gateways by default.
async def test_a_broken_export_is_not_completed_over_http_1_0_either(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        upstream = f"server 127.0.0.1:{gateway.http.base_url.port};"
        placeholders = {UPSTREAM: upstream, "proxy_http_version 1.1;": "proxy_http_version 1.0;"}
        with running_nginx("own-host.conf", tmp_path, placeholders) as nginx:
            async with visited(nginx) as http:
                await check_exports(gateway, nginx.url, http)


async def check_exports(gateway: Gateway, base: str, http: httpx.AsyncClient) -> None:
    """Check that an export arrives whole, and that one whose table goes away is not completed."""
    await make_wide_clicks(gateway, WIDE_CLICKS)
    url, token = base + path_of("clicks"), await gateway.token()
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    assert len(json_rows(await http.get(url, headers=headers))) == WIDE_CLICKS
    async with http.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200
        await gateway.execute(text("ALTER TABLE affiliate_click_events RENAME TO lost"))
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.aread()


async def test_pages_of_other_sites_are_refused(site: Site) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with opened(site.base, None, ssl=site.nginx.trust, origin=Origin("https://other.example")):
            pass


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6Detrics", "/./metrics", "/x/../metrics"])
async def test_metrics_are_not_public(site: Site, path: str) -> None:
    root = site.base.removeprefix(site.nginx.url)
    assert (await site.gateway.http.get("/metrics")).status_code == 200
    for times in (1, 2, 3) if root else (1,):
        answer = await site.http.get(site.nginx.url + root * times + path)
        assert answer.status_code == 404
        assert "clickgate_" not in answer.text


async def test_all_other_endpoints_are_served(site: Site) -> None:
    for path in ("/js/affitor-tracker.js", "/openapi.json", "/healthz", "/readyz"):
        assert (await site.http.get(site.base + path)).status_code == 200


async def test_the_tracker_works_in_a_browser(site: Site, browser: Browser) -> None:
    await site.gateway.link()
    context = await browser.new_context(ignore_https_errors=True)
    page = await context.new_page()
    script = f'<script src="{site.base}/js/affitor-tracker.js" data-affitor-program-id="1"></script>'
    await context.route("**/shop*", lambda route: route.fulfill(body=script, content_type="text/html"))
    await page.goto(f"{site.nginx.url}/shop?aff=PARTNER123")
    await page.wait_for_function("() => window.affitor && affitor.clickId")
    assert await site.gateway.recorded() == 1


async def test_the_dashboard_is_signed_in_by_a_cookie_of_the_host_alone(site: Site, browser: Browser) -> None:
    need_pages()
    context = await browser.new_context(ignore_https_errors=True)
    page = await context.new_page()
    await page.goto(f"{site.base}/dashboard#token={await site.gateway.token()}")
    await loaded(page)
    (cookie,) = await context.cookies()
    assert (cookie["name"], cookie["secure"], cookie["path"]) == (SECURE_NAME, True, "/")
    await page.reload()
    await loaded(page)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Token")).to_be_focused()
    assert await context.cookies() == []


async def test_connections_to_the_gateway_are_kept_alive(site: Site) -> None:
    await asyncio.gather(*(site.http.get(f"{site.base}/healthz") for _ in range(10)))
    for _ in range(50):
        await site.http.get(f"{site.base}/healthz")
    (line,) = (
        line
        for line in (await site.gateway.http.get("/metrics")).text.splitlines()
        if line.startswith("clickgate_connections ")
    )
    # nginx's connections and the one of this request. Without keep-alive, there would be only this one.
    assert 1 < float(line.split()[1]) <= 12


@pytest.mark.parametrize("site", ["own-host.conf"], indirect=True)
async def test_plain_http_is_redirected_to_https_with_its_method(site: Site) -> None:
    asked = {"Host": "clicks.shop.example"}
    answer = await site.http.post(f"http://127.0.0.1:{site.nginx.plain_port}{CLICK}?a=b", json=VISIT, headers=asked)
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://clicks.shop.example{CLICK}?a=b")


@pytest.mark.parametrize("site", ["sub-path.conf"], indirect=True)
async def test_the_shop_is_served_beside_the_gateway(site: Site) -> None:
    assert (await site.http.get(f"{site.nginx.url}/")).text == "the shop"


@pytest.mark.parametrize("name", ROOTS)
async def test_the_unix_socket_works_as_well(make_sqlite: MakeDatabase, tmp_path: Path, name: str) -> None:
    url, path = make_sqlite(), tmp_path / "gateway.sock"
    await make_link(url)
    settings = {"trusted_proxies": "unix", "ip_storage": "full", "root_path": ROOTS[name]}
    process = subprocess.Popen(
        [COMMAND, "serve", "--uds", path], env=environment(url, **settings), stderr=subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path))) as http:
            await ready(http, "http://gateway", process)
        with running_nginx(name, tmp_path, {UPSTREAM: "", SOCKET: f"server unix:{path};"}) as nginx:
            async with visited(nginx) as http:
                answer = await http.post(nginx.url + ROOTS[name] + CLICK, json=VISIT, headers=FORGED)
                assert answer.status_code == 200
    finally:
        await stop(process)
    store = Store(url)
    async with store.read() as connection:
        assert list(await connection.scalars(select(ClickEvent.ip_address))) == [VISITOR]
    await store.close()
