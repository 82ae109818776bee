"""Pages of which origins may send requests, and with which headers."""

import httpx
import pytest

from tests.support.graphql_endpoints import PATH, client
from tests.support.graphql_http import PAGE, post


@pytest.mark.parametrize("origin", [PAGE, "HTTPS://App.Example.com:443"])
async def test_a_page_of_an_allowed_origin_may_send_requests(http: httpx.AsyncClient, origin: str) -> None:
    preflight = await http.options(PATH, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert preflight.content == b""
    assert {"Authorization", "Content-Type"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))
    for answer in (
        preflight,
        await post(http, {"query": "{ id }"}, Origin=origin),
        await post(http, b"{", Origin=origin),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]


ASKED = "apollo-require-preflight, authorization, content-type, traceparent,x-apollo-operation-name, baggage"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (ASKED, ASKED),
        ("x-anything", "x-anything"),
        (None, "Authorization, Content-Type"),
        ("", "Authorization, Content-Type"),
        ("x y", "Authorization, Content-Type"),
        ("x, , y", "Authorization, Content-Type"),
        (",".join(["x-header"] * 1000), "Authorization, Content-Type"),
    ],
)
async def test_a_page_may_send_any_headers(http: httpx.AsyncClient, asked: str | None, allowed: str) -> None:
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    if asked is not None:
        headers["Access-Control-Request-Headers"] = asked
    preflight = await http.options(PATH, headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Headers"] == allowed
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Request-Headers" in preflight.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    ["https://other.example.com", "null", f"{PAGE}.evil.com", "http://app.example.com", f"{PAGE}/{'x' * 1000}"],
    ids=["other", "null", "longer host", "other scheme", "long"],
)
async def test_a_page_of_any_other_origin_may_not_send_requests(http: httpx.AsyncClient, origin: str) -> None:
    for answer in (
        await http.options(PATH, headers={"Origin": origin}),
        await post(http, {"query": "{ id }"}, Origin=origin),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_no_origin_is_allowed_by_default_and_any_where_all_are() -> None:
    async with client() as http:
        assert "Access-Control-Allow-Origin" not in (await http.options(PATH, headers={"Origin": PAGE})).headers
    async with client(origins=["*"]) as http:
        assert (await http.options(PATH, headers={"Origin": PAGE})).headers["Access-Control-Allow-Origin"] == PAGE
