"""GraphQL over a WebSocket: the handshake, tokens and origins."""

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.support.graphql_endpoints import Tokens, served
from tests.support.graphql_messages import PROTOCOL, ask, closed, receive, send, socket, subscribe


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


@pytest.mark.slow
async def test_a_client_that_sends_no_connection_init_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.http.view.INIT_SECONDS", 0.2)
    async with served() as address, connect(f"ws://{address}", subprotocols=[PROTOCOL]) as ws:
        assert await closed(ws) == 4408


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("graphql-ws")]])
async def test_no_other_subprotocol_is_accepted(address: str, subprotocols: list[Subprotocol] | None) -> None:
    async with connect(f"ws://{address}", subprotocols=subprotocols) as ws:
        assert await closed(ws) == 4406


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
