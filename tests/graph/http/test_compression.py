"""Which responses are compressed."""

import httpx
import pytest

from tests.support.graphql_http import post


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("deflate, x-gzip", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("identity;q=0, *;q=1", True),
        (None, False),
        ("", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("gzip;q=nonsense", False),
        ("gzip;q=0.5, identity", False),
        ("notgzip", False),
    ],
)
async def test_a_large_response_is_compressed_for_clients_that_accept_it(
    http: httpx.AsyncClient, accepted: str | None, is_compressed: bool
) -> None:
    # httpx sends one of its own otherwise.
    http.headers.pop("Accept-Encoding")
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    for length in (1, 2000, 40_000):
        text = "x" * length
        answer = await post(
            http, {"query": "query ($t: String!) { echo(text: $t) }", "variables": {"t": text}}, **headers
        )
        assert answer.headers.get("Content-Encoding") == ("gzip" if is_compressed and length > 1024 else None)
        assert {"Accept", "Accept-Encoding", "Origin"} <= set(answer.headers["Vary"].split(", "))
        assert answer.json()["data"] == {"echo": f"None {text}"}
        assert is_compressed is (int(answer.headers["Content-Length"]) < length) or length == 1


async def test_a_response_of_several_megabytes_is_compressed_off_the_event_loop(http: httpx.AsyncClient) -> None:
    query = "{" + "".join(f"a{i}: echo(text: $t) " for i in range(60)) + "}"
    body = {"query": f"query ($t: String!) {query}", "variables": {"t": "x" * 50_000}}
    answer = await post(http, body, Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["data"]) == 60
    assert int(answer.headers["Content-Length"]) < len(answer.content) / 100
