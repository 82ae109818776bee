"""GraphQL over a WebSocket: handshake, tokens, close codes, malformed messages, and errors."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from graph.http.body import BODY_BYTES
from graph.http.websocket import OPERATIONS_PER_SOCKET
from tests.support.graphql_endpoints import Tokens, served

PROTOCOL = Subprotocol("graphql-transport-ws")
SECONDS = 5


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with served() as address:
        yield address


@asynccontextmanager
async def socket(address: str, payload: Any = None, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open a socket and introduce oneself."""
    async with asyncio.timeout(SECONDS), connect(f"ws://{address}", subprotocols=[PROTOCOL], **options) as ws:
        await send(ws, type="connection_init", **({} if payload is None else {"payload": payload}))
        yield ws


async def send(ws: ClientConnection, **message: Any) -> None:
    await ws.send(json.dumps(message))


async def receive(ws: ClientConnection) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(await ws.recv()))


async def closed(ws: ClientConnection) -> int:
    """Return the code that the server closes a socket with."""
    await ws.wait_closed()
    assert ws.close_code is not None
    return ws.close_code


async def subscribe(ws: ClientConnection, query: str, id: str = "1", **payload: Any) -> None:
    await send(ws, type="subscribe", id=id, payload={"query": query, **payload})


async def ask(ws: ClientConnection, query: str, **payload: Any) -> list[dict[str, Any]]:
    """Return what follows an operation, up to its end."""
    await subscribe(ws, query, **payload)
    messages = []
    while True:
        messages.append(await receive(ws))
        if messages[-1]["type"] in ("complete", "error"):
            return messages


async def test_queries_mutations_and_subscriptions_are_answered(address: str) -> None:
    async with socket(address) as ws:
        assert await receive(ws) == {"type": "connection_ack"}
        answer, complete = await ask(ws, "{ item { id } }")
        assert answer["payload"]["data"] == {"item": {"id": "1"}}
        assert answer["payload"]["extensions"]["cost"]["requested"] == 1
        assert complete == {"type": "complete", "id": "1"}
        answer, _ = await ask(ws, "mutation { change }")
        assert answer["payload"]["data"] == {"change": "changed"}
        *frames, _ = await ask(ws, "subscription ($to: Int!) { count(to: $to) }", variables={"to": 3})
        assert [frame["payload"]["data"]["count"] for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize(
    ("payload", "role"),
    [
        (None, None),
        ({}, None),
        ({"token": None}, None),
        ({"token": "secret"}, "admin"),
        ({"Authorization": "Bearer secret"}, "admin"),
        ({"authorization": "bearer secret"}, "admin"),
        ({"AUTHORIZATION": "Bearer secret", "token": "other"}, "admin"),
        ({"headers": {"Authorization": "Bearer secret"}}, "admin"),
        ({"headers": {"authorization": "Bearer secret", "Accept": "*/*"}, "authToken": "other"}, "admin"),
        ({"headers": {}, "authToken": "secret"}, "admin"),
        ({"headers": None, "authToken": None}, None),
    ],
)
async def test_the_first_message_identifies_the_viewer(address: str, payload: Any, role: str | None) -> None:
    async with socket(address, payload) as ws:
        assert await receive(ws) == {"type": "connection_ack"}
        for query in ("{ role }", "subscription { role }"):
            answer, _ = await ask(ws, query)
            assert answer["payload"]["data"] == {"role": role}


@pytest.mark.parametrize(
    "payload",
    [
        {"token": ""},
        {"token": "unknown"},
        {"token": ["secret"]},
        {"Authorization": "secret"},
        {"authorization": 7},
        {"headers": {"Authorization": "Bearer unknown"}},
        {"authToken": "unknown"},
    ],
)
async def test_an_invalid_token_closes_the_socket(address: str, payload: Any) -> None:
    async with socket(address, payload) as ws:
        assert await closed(ws) == 4403


async def test_the_token_may_be_in_the_upgrade_request(address: str) -> None:
    headers = {"Authorization": "Bearer secret"}
    for payload in (None, {}, {"token": None}):
        async with socket(address, payload, additional_headers=headers) as ws:
            await receive(ws)
            answer, _ = await ask(ws, "{ role }")
            assert answer["payload"]["data"] == {"role": "admin"}
    for sent in ("Bearer unknown", "Basic c2VjcmV0"):
        async with socket(address, None, additional_headers={"Authorization": sent}) as ws:
            assert await closed(ws) == 4403
        async with socket(address, {"token": "secret"}, additional_headers={"Authorization": sent}) as ws:
            assert (await receive(ws))["type"] == "connection_ack"


async def test_a_persisted_query_hash_is_refused_and_the_socket_stays_open(address: str) -> None:
    async with socket(address) as ws:
        await receive(ws)
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
        await send(ws, type="subscribe", id="1", payload={"extensions": extensions})
        refusal = await receive(ws)
        assert (refusal["type"], refusal["id"]) == ("error", "1")
        assert refusal["payload"] == [
            {"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}
        ]
        answer, _ = await ask(ws, "{ id }", extensions=extensions)
        assert answer["payload"]["data"] == {"id": "1"}


async def test_a_database_outage_closes_the_socket_with_try_again_later(address: str) -> None:
    async with socket(address, {"token": "away"}) as ws:
        assert await closed(ws) == 1013


async def test_a_token_that_was_revoked_starts_nothing_more() -> None:
    tokens = Tokens()
    async with served(tokens=tokens) as address, socket(address, {"token": "secret"}) as ws:
        await receive(ws)
        await ask(ws, "{ role }")
        tokens.good.clear()
        await subscribe(ws, "mutation { change }")
        assert await closed(ws) == 4403


async def test_an_error_in_the_token_lookup_closes_the_socket_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Tokens):
        async def __call__(self, secret: str) -> None:
            raise RuntimeError("the password is hunter2")

    async with served(tokens=Broken()) as address, socket(address, {"token": "secret"}) as ws:
        assert await closed(ws) == 1011
    assert [record.exc_info is not None for record in caplog.records if record.name == "graph.http.websocket"] == [True]


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


async def test_a_client_that_sends_no_connection_init_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.http.view.INIT_SECONDS", 0.2)
    async with served() as address, connect(f"ws://{address}", subprotocols=[PROTOCOL]) as ws:
        assert await closed(ws) == 4408


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("graphql-ws")]])
async def test_no_other_subprotocol_is_accepted(address: str, subprotocols: list[Subprotocol] | None) -> None:
    async with connect(f"ws://{address}", subprotocols=subprotocols) as ws:
        assert await closed(ws) == 4406


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


async def test_a_client_that_vanishes_leaves_no_line_in_the_log(address: str, caplog: pytest.LogCaptureFixture) -> None:
    async with socket(address) as ws:
        await receive(ws)
        await subscribe(ws, "subscription { count(to: 1000000) }")
        await receive(ws)
        ws.transport.abort()
    await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("origin", "opens"),
    [(None, True), ("same", True), ("https://app.example.com", True), ("https://other.example.com", False)],
)
async def test_pages_of_allowed_origins_open_sockets(origin: str | None, opens: bool) -> None:
    async with served(origins=["https://app.example.com"]) as address:
        named = f"http://{address.partition('/')[0]}" if origin == "same" else origin
        options = {"origin": None if named is None else Origin(named)}
        if opens:
            async with socket(address, **options) as ws:
                assert await receive(ws) == {"type": "connection_ack"}
        else:
            with pytest.raises(InvalidStatus) as refused:
                async with socket(address, **options):
                    pass
            assert refused.value.response.status_code == 403
