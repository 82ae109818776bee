"""Compressed request bodies, sent to the click endpoint and to GraphQL."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from graph.http.body import BODY_BYTES
from tests.support.click_apis import CLICK, GRAPHQL
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway

BODIES = {
    CLICK: json.dumps({"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}).encode(),
    GRAPHQL: json.dumps({"query": "{ __typename }"}).encode(),
}


@pytest.fixture(scope="module")
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    """What is refused here reaches no database, so that one serves all tests."""
    async with running_gateway(make_sqlite()) as running:
        yield running


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


def two_members(body: bytes) -> bytes:
    return gzip.compress(body[:5]) + gzip.compress(body[5:])


async def sent(gateway: Gateway, path: str, body: bytes, encoding: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    return await gateway.http.post(path, content=body, headers=headers)


def problem(answer: httpx.Response) -> str:
    body = answer.json()
    return str(body["error"] if "error" in body else body["errors"][0]["message"])


@pytest.mark.slow
@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", two_members),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("", bytes),
        ("identity, gzip", gzip.compress),
    ],
)
async def test_a_compressed_body_is_read(
    make_sqlite: MakeDatabase, path: str, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        answer = await sent(gateway, path, encode(BODIES[path]), encoding)
        assert answer.status_code == 200
        assert await gateway.recorded() == (path == CLICK)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br", "gzip, gzip", "*", "gzip;q=1"])
async def test_an_unsupported_coding_is_refused_with_the_supported_ones(
    gateway: Gateway, path: str, encoding: str
) -> None:
    answer = await sent(gateway, path, BODIES[path], encoding)
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip, deflate, identity"
    assert "Content-Encoding" in problem(answer)


@pytest.mark.parametrize("path", BODIES)
async def test_a_damaged_body_is_refused_with_a_clear_message(gateway: Gateway, path: str) -> None:
    whole = gzip.compress(BODIES[path])
    for cut in (1, 5, 12, len(whole) - 9, len(whole) - 1):
        answer = await sent(gateway, path, whole[:cut], "gzip")
        assert (answer.status_code, problem(answer)) == (400, "The gzip body is truncated")
    for damaged in (BODIES[path], whole[:-8] + bytes(8), whole + b"more", b"\x1f\x8b" + bytes(30)):
        answer = await sent(gateway, path, damaged, "gzip")
        assert (answer.status_code, problem(answer)) == (400, "The body is not valid gzip")
    answer = await sent(gateway, path, BODIES[path], "deflate")
    assert (answer.status_code, problem(answer)) == (400, "The body is not valid deflate")


@pytest.mark.parametrize("path", BODIES)
async def test_the_size_limit_applies_to_the_decompressed_body(gateway: Gateway, path: str) -> None:
    body = BODIES[path]
    assert (await sent(gateway, path, gzip.compress(body.ljust(BODY_BYTES)), "gzip")).status_code in (200, 400)
    assert (await sent(gateway, path, gzip.compress(body.ljust(BODY_BYTES + 1)), "gzip")).status_code == 413
    assert (await sent(gateway, path, zlib.compress(body.ljust(BODY_BYTES + 1)), "deflate")).status_code == 413


@pytest.mark.slow
async def test_a_zip_bomb_takes_no_more_memory_than_any_other_body(make_sqlite: MakeDatabase) -> None:
    bombs = [gzip.compress(bytes(60_000_000), 9), b"".join(gzip.compress(bytes(20_000)) for _ in range(1000))]
    async with running_gateway(make_sqlite()) as gateway:
        tracemalloc.start()
        for bomb in bombs:
            assert (await sent(gateway, CLICK, bomb, "gzip")).status_code == 413
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 10 * 1024 * 1024
