"""Serving the web pages: caching, compression and the Content-Security-Policy."""

import gzip
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import need_pages

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGES = ("/dashboard", "/dashboard/links", "/graphql")


@pytest.fixture
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    need_pages()
    async with running_gateway(make_sqlite()) as running:
        yield running


def assets(page: httpx.Response) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]+)"', page.text)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_may_load_nothing_from_other_hosts(gateway: Gateway, path: str) -> None:
    page = await gateway.http.get(path, headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "unsafe-inline" not in policy["style-src"] or path == "/graphql"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    folder = "../assets/" if path.count("/") > 1 else "assets/"
    assert all(address.startswith(folder) for address in assets(page))


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_revalidated_and_sent_again_only_if_it_has_changed(gateway: Gateway, path: str) -> None:
    page = await gateway.http.get(path, headers=BROWSER)
    assert page.headers["cache-control"] == "no-cache"
    known = {"If-None-Match": f'"other", W/{page.headers["etag"]}'}
    again = await gateway.http.get(path, headers=BROWSER | known)
    assert (again.status_code, again.content) == (304, b"")
    assert (await gateway.http.get(path, headers=BROWSER | {"If-None-Match": '"other"'})).status_code == 200


async def test_assets_are_immutable_and_compressed(gateway: Gateway) -> None:
    names = assets(await gateway.http.get("/dashboard"))
    script = next(name for name in names if "/dashboard-" in name and name.endswith(".js"))
    async with gateway.http.stream("GET", script, headers={"Accept-Encoding": "br, gzip"}) as answer:
        packed = b"".join([part async for part in answer.aiter_raw()])
    plain = await gateway.http.get(script, headers={"Accept-Encoding": "gzip;q=0"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-encoding" not in plain.headers
    assert answer.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 2


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fpages.py", "../../pages.py", "dashboard.html"])
async def test_nothing_but_assets_is_served_as_one(gateway: Gateway, name: str) -> None:
    assert (await gateway.http.get(f"/assets/{name}")).status_code == 404


async def test_the_root_redirects_to_the_dashboard(gateway: Gateway) -> None:
    answer = await gateway.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/dashboard")


async def test_api_clients_get_no_page(gateway: Gateway) -> None:
    for headers in ({"Accept": "application/json"}, {"Accept": "*/*"}):
        answer = await gateway.http.get("/graphql", params={"query": "{ __typename }"}, headers=headers)
        assert answer.json()["data"] == {"__typename": "Query"}
    answer = await gateway.http.get("/graphql", params={"query": "{ __typename }"}, headers=BROWSER)
    assert answer.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(("pages", "status"), [("none", 404), ("dashboard", 200)])
async def test_pages_can_be_disabled(make_sqlite: MakeDatabase, pages: str, status: int) -> None:
    async with running_gateway(make_sqlite(), pages=pages) as gateway:
        for path in ("/dashboard", "/dashboard/links"):
            assert (await gateway.http.get(path)).status_code == status
        answer = await gateway.http.get("/graphql", headers=BROWSER)
        assert answer.headers["content-type"].startswith("application/json")
