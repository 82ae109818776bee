"""Messages over a WebSocket: malformed ones, limits, and errors."""

import asyncio
import json
import logging
from typing import Any

import pytest
from websockets.asyncio.client import connect

from graph.http.body import BODY_BYTES
from graph.http.websocket import OPERATIONS_PER_SOCKET
from tests.support.graphql_messages import PROTOCOL, ask, closed, receive, send, socket, subscribe

LONG = "x" * 1000


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "[]",
        "7",
        "null",
        "{}",
        '{"type": 7}',
        '{"type": "start"}',
        json.dumps({"type": LONG}),
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ id }"}}',
        '{"type": "subscribe", "id": ["1"], "payload": {"query": "{ id }"}}',
        json.dumps({"type": "subscribe", "id": LONG, "payload": {"query": "{ id }"}}),
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": null}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ id }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ id }", "variables": "x"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ id }", "operationName": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "\\ud800"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ id }", "variables": {"n": NaN}}}',
        '{"type": "complete"}',
        '{"type": "complete", "id": {}}',
        '{"type": "ping", "payload": 7}',
        '{"a":' * 5000,
        b'{"type": "ping"}',
    ],
)
async def test_a_malformed_message_closes_the_socket(
    address: str, caplog: pytest.LogCaptureFixture, message: str | bytes
) -> None:
    async with socket(address) as ws:
        await receive(ws)
        await ws.send(message)
        assert await closed(ws) == 4400
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("payload", [[], 7, "secret"])
async def test_a_malformed_connection_init_closes_the_socket(address: str, payload: Any) -> None:
    async with socket(address, payload) as ws:
        assert await closed(ws) == 4400


async def test_an_operation_before_connection_init_or_a_second_init_closes_the_socket(address: str) -> None:
    async with connect(f"ws://{address}", subprotocols=[PROTOCOL]) as ws:
        await subscribe(ws, "{ id }")
        assert await closed(ws) == 4401
    async with socket(address) as ws:
        await send(ws, type="connection_init")
        assert await closed(ws) == 4429


async def test_an_id_in_use_closes_the_socket(address: str) -> None:
    async with socket(address) as ws:
        await subscribe(ws, "subscription { waits }", id="\N{SNOWMAN}" * 64)
        await subscribe(ws, "subscription { waits }", id="\N{SNOWMAN}" * 64)
        assert await closed(ws) == 4409


async def test_a_message_over_the_limit_closes_the_socket(address: str) -> None:
    async with socket(address) as ws:
        await receive(ws)
        await subscribe(ws, "{ id } #" + "x" * BODY_BYTES)
        assert await closed(ws) == 1009


async def test_the_operations_of_one_socket_are_bounded(address: str) -> None:
    async with socket(address) as ws:
        await receive(ws)
        for number in range(OPERATIONS_PER_SOCKET):
            await subscribe(ws, "subscription { waits }", id=str(number))
            await receive(ws)
        (refusal,) = await ask(ws, "{ id }", id="more")
        assert (refusal["type"], refusal["id"]) == ("error", "more")
        limit = {"name": "operations", "requested": OPERATIONS_PER_SOCKET + 1, "maximum": OPERATIONS_PER_SOCKET}
        assert [error["extensions"] for error in refusal["payload"]] == [{"code": "TOO_COMPLEX", "limit": limit}]
        await send(ws, type="complete", id="0")
        assert [message["type"] for message in await ask(ws, "{ id }", id="more")] == ["next", "complete"]


@pytest.mark.parametrize(
    "payload",
    [
        {"query": "{"},
        {"query": ""},
        {"query": "{", "operationName": "a"},
        {"query": "{" + "x" * 5000 + "(}"},
        {"query": "{ nothing }"},
        {"query": "query a { id } query b { id }"},
        {"query": "query a { id }", "operationName": "b" * 500},
        {"query": "query ($n: Int!) { echo(number: $n) }", "variables": {"n": "seven"}},
        {"query": "subscription ($n: Int!) { count(to: $n) }"},
        {"query": "subscription { a: count(to: 1) b: count(to: 1) }"},
        {"query": "{ item" * 16 + "{ id }" + "}" * 16},
        {"query": "{ pages(first: 20000) { nodes { id } } }"},
    ],
)
async def test_an_operation_that_is_not_executed_is_reported_and_the_socket_stays_open(
    address: str, caplog: pytest.LogCaptureFixture, payload: dict[str, Any]
) -> None:
    async with socket(address) as ws:
        await receive(ws)
        (refusal,) = await ask(ws, **payload)
        assert refusal["type"] == "error"
        assert {error["extensions"]["code"] for error in refusal["payload"]} <= {"BAD_USER_INPUT", "TOO_COMPLEX"}
        assert len(json.dumps(refusal)) < 5000
        assert [message["type"] for message in await ask(ws, "{ id }")] == ["next", "complete"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("kind", ["query", "subscription"])
@pytest.mark.parametrize(("how", "code"), [("away", "UNAVAILABLE"), ("forbidden", "FORBIDDEN"), ("fault", "INTERNAL")])
async def test_errors_in_messages_are_reported_or_masked_and_logged_once(
    address: str, caplog: pytest.LogCaptureFixture, kind: str, how: str, code: str
) -> None:
    async with socket(address) as ws:
        await receive(ws)
        *_, frame, _ = await ask(ws, f'{kind} {{ fails(how: "{how}") }}')
    (error,) = frame["payload"]["errors"]
    assert error["extensions"]["code"] == code
    assert "hunter2" not in json.dumps(frame)
    faults = [record.__dict__.get("fault") for record in caplog.records if record.levelno >= logging.ERROR]
    assert faults == ([error["extensions"]["fault"]] if code == "INTERNAL" else [])


async def test_each_message_masks_its_own_errors(address: str, caplog: pytest.LogCaptureFixture) -> None:
    async with socket(address) as ws:
        await receive(ws)
        *frames, _ = await ask(ws, 'subscription { items { id fails(how: "fault") } }')
    faults = [error["extensions"]["fault"] for frame in frames for error in frame["payload"]["errors"]]
    assert len(set(faults)) == 2
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.__dict__["fault"] for record in logged] == faults
    assert all(frame["payload"]["data"] == {"items": {"id": "1", "fails": None}} for frame in frames)


@pytest.mark.slow
async def test_a_client_that_vanishes_leaves_no_line_in_the_log(address: str, caplog: pytest.LogCaptureFixture) -> None:
    async with socket(address) as ws:
        await receive(ws)
        await subscribe(ws, "subscription { count(to: 1000000) }")
        await receive(ws)
        ws.transport.abort()
    await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
