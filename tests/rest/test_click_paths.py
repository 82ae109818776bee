"""Paths with surplus slashes, and CORS headers on unknown paths."""

from itertools import product
from typing import Any

import pytest

from tests.support.databases import MakeDatabase
from tests.support.gateways import body_of, running_gateway

CLICK = "/api/v1/track/click"
VISIT = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}
VARIANTS = ["{}/", "/{}", "//{}", "{}//", "//{}//"]
PATHS: dict[str, Any] = {"click_path": "/hello/c", "tracker_path": "/hello/t.js"}


@pytest.mark.slow
async def test_a_click_is_recorded_with_surplus_slashes_in_its_path(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), **PATHS) as gateway:
        await gateway.link()
        for path, variant in product((CLICK, "/api//v1///track/click", "/hello/c", "/hello//c"), VARIANTS):
            url = f"{str(gateway.http.base_url).rstrip('/')}{variant.format(path)}"
            answer = await gateway.http.post(url, json=VISIT)
            assert (url, answer.status_code, answer.history) == (url, 200, [])
            assert answer.headers["access-control-allow-origin"] == "*"
            preflight = await gateway.http.options(url)
            assert preflight.status_code == 204
            assert preflight.headers["access-control-allow-methods"] == "POST, OPTIONS"
        assert await gateway.recorded() == 4 * len(VARIANTS)


async def test_the_tracker_is_found_with_surplus_slashes_in_its_path(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), **PATHS) as gateway:
        for path, variant in product(("/js/affitor-tracker.js", "/js/tracker.js", "/hello/t.js"), VARIANTS):
            answer = await gateway.http.get(f"{str(gateway.http.base_url).rstrip('/')}{variant.format(path)}")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/javascript")


async def test_a_404_is_readable_by_a_page_of_any_origin(make_sqlite: MakeDatabase) -> None:
    paths = ("/api", "/api/", "/api/v1/track", "/api/v2/track/click", "//api/v1/none", "/api/v1/x/")
    async with running_gateway(make_sqlite()) as gateway:
        for path, method in product(paths, ("GET", "POST", "OPTIONS", "DELETE")):
            answer = await gateway.http.request(method, f"{str(gateway.http.base_url).rstrip('/')}{path}")
            assert (answer.status_code, body_of(answer)) == (404, {"error": "Not Found"})
            assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [CLICK, f"{CLICK}/", f"/{CLICK}"])
async def test_a_405_is_readable_by_a_page_of_any_origin(make_sqlite: MakeDatabase, path: str) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        answer = await gateway.http.put(f"{str(gateway.http.base_url).rstrip('/')}{path}")
        assert (answer.status_code, body_of(answer)["error"]) == (405, "Method not allowed")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["allow"] == "POST, OPTIONS"


async def test_a_path_outside_the_api_has_no_cors_headers(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        answer = await gateway.http.get("/apiary")
        assert answer.status_code == 404
        assert "access-control-allow-origin" not in answer.headers
