"""Sessions: how a browser signs in and out, and when a session ends."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from db.lookups.sessions import IDLE, MOST_PER_TOKEN
from db.schema.sessions import WebSession
from db.schema.tokens import ApiToken
from graph.http.session_cookie import NAME, SECURE_NAME
from tests.support.captured_log import Log
from tests.support.databases import MakeDatabase
from tests.support.gateways import PROMISED_SECONDS, Gateway, running_gateway
from tests.support.graphql_sockets import Subscriber
from tests.support.graphql_sockets import opened as opened_socket
from tests.support.signed_in import (
    FROM_OWN_PAGE,
    SESSION,
    bearer,
    cookie,
    opened,
    role,
    secret_in,
    signed_in,
)
from tests.support.unclassified_fault import unforeseen

EXPORT = "/api/v1/export/links.csv"
IMPORT = "/api/v1/import/links"


@pytest.mark.slow
async def test_a_token_is_exchanged_for_a_session(gateway: Gateway) -> None:
    await gateway.link()
    answer = await opened(gateway.http, await gateway.token("program", program_id=1))
    assert answer.status_code == 201
    described = answer.json()
    assert described["role"] == "program"
    browser = {**cookie(secret_in(answer)), **FROM_OWN_PAGE}
    assert await role(gateway.http, browser) == "PROGRAM"
    assert (await gateway.http.get(SESSION, headers=browser)).json() == described
    assert "PARTNER123" in (await gateway.http.get(EXPORT, headers=browser)).text
    imported = await gateway.http.post(IMPORT, content=b"partner_id,code\n1,MORE\n", headers=browser)
    assert imported.json()["created"] == 1


async def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(gateway: Gateway) -> None:
    answer = await opened(gateway.http, await gateway.token())
    assert answer.headers["cache-control"] == "no-store"
    _, *attributes = answer.headers["set-cookie"].split("; ")
    assert attributes == ["Path=/", "Max-Age=34560000", "HttpOnly", "SameSite=Strict"]


async def test_a_cookie_that_came_over_https_belongs_to_the_host_alone(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), trusted_proxies="127.0.0.1") as gateway:
        token, encrypted = await gateway.token(), {"X-Forwarded-Proto": "https"}
        answer = await opened(gateway.http, token, **encrypted)
        name, *attributes = answer.headers["set-cookie"].split("; ")
        assert name.startswith(f"{SECURE_NAME}=")
        assert "Secure" in attributes
        assert "Domain" not in answer.headers["set-cookie"]
        browser = {**cookie(secret_in(answer), SECURE_NAME), **FROM_OWN_PAGE, **encrypted}
        assert await role(gateway.http, browser) == "ADMIN"
        # Without the prefix, it may come from a subdomain, or from whoever is between a browser and the gateway.
        assert await role(gateway.http, {**browser, **cookie(secret_in(answer))}) is None
        ended = await gateway.http.delete(SESSION, headers=browser)
        assert ended.headers["set-cookie"].startswith(f"{SECURE_NAME}=; ")


@pytest.mark.parametrize("origin", ["https://clicks.example.com", "http://clicks.example.com"])
async def test_behind_a_proxy_that_is_not_trusted_the_page_tells_whether_https_is_spoken(
    make_sqlite: MakeDatabase, origin: str
) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        answer = await opened(gateway.http, await gateway.token(), Origin=origin)
        set_cookie = answer.headers["set-cookie"]
        assert ("; Secure" in set_cookie) == set_cookie.startswith(SECURE_NAME) == origin.startswith("https")
        name = set_cookie.partition("=")[0]
        browser = {**cookie(secret_in(answer), name), **FROM_OWN_PAGE}
        assert (await gateway.http.get(SESSION, headers=browser)).headers["set-cookie"] == set_cookie


async def test_signing_out_ends_the_session_and_removes_the_cookie(gateway: Gateway) -> None:
    token = await gateway.token()
    browser, other = await signed_in(gateway, token), await signed_in(gateway, token)
    assert await role(gateway.http, browser) == "ADMIN"
    answer = await gateway.http.delete(SESSION, headers=browser)
    assert answer.status_code == 204
    assert answer.headers["set-cookie"] == f"{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
    # The cookie may have been stolen before.
    assert await role(gateway.http, browser) is None
    assert (await gateway.http.get(EXPORT, headers=browser)).status_code == 401
    gone = await gateway.http.get(SESSION, headers=browser)
    assert (gone.status_code, gone.headers["set-cookie"]) == (204, answer.headers["set-cookie"])
    assert (await gateway.http.delete(SESSION, headers=browser)).status_code == 204
    assert await role(gateway.http, other) == "ADMIN"
    assert await role(gateway.http, bearer(token)) == "ADMIN"


@pytest.mark.slow
async def test_all_gateways_share_sessions(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        here, there = [await stack.enter_async_context(running_gateway(database_url)) for _ in range(2)]
        browser = await signed_in(here, await here.token())
        assert await role(there.http, browser) == "ADMIN"
        await here.http.delete(SESSION, headers=browser)
        await asyncio.sleep(PROMISED_SECONDS)
        assert await role(there.http, browser) is None


@pytest.mark.slow
@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
async def test_a_session_ends_with_its_token(gateway: Gateway, column: str) -> None:
    browser = await signed_in(gateway, await gateway.token())
    assert await role(gateway.http, browser) == "ADMIN"
    await gateway.execute(update(ApiToken).values({column: datetime.now(UTC)}))
    await asyncio.sleep(PROMISED_SECONDS)
    assert await role(gateway.http, browser) is None


@pytest.mark.slow
async def test_a_session_of_the_administrators_token_ends_when_the_setting_changes(database_url: str) -> None:
    async with running_gateway(database_url, admin_token="former") as gateway:
        browser = await signed_in(gateway, "former")
        assert await role(gateway.http, browser) == "ADMIN"
    for changed in ("latter", ""):
        async with running_gateway(database_url, admin_token=changed) as gateway:
            assert await role(gateway.http, browser) is None
    async with running_gateway(database_url, admin_token="former") as gateway:
        assert await role(gateway.http, browser) == "ADMIN"


async def test_the_secrets_of_sessions_are_stored_nowhere(make_sqlite: MakeDatabase, log: Log) -> None:
    async with running_gateway(make_sqlite(), admin_token="of-the-settings", log_level="debug") as gateway:
        browsers = [await signed_in(gateway, token) for token in (await gateway.token(), "of-the-settings")]
        for browser in browsers:
            assert await role(gateway.http, browser) == "ADMIN"
        stored = str(await gateway.rows(WebSession)) + str(log.records)
        for secret in (*(browser["Cookie"].partition("=")[2] for browser in browsers), "of-the-settings"):
            assert secret not in stored


async def test_signing_in_again_gives_a_new_secret_and_ends_the_last_session(gateway: Gateway) -> None:
    token, planted = await gateway.token(), "A" * 43
    first = secret_in(await opened(gateway.http, token, **cookie(planted)))
    second = secret_in(await opened(gateway.http, token, **cookie(first)))
    assert len({first, second, planted}) == 3
    for secret, expected in ((planted, None), (first, None), (second, "ADMIN")):
        assert await role(gateway.http, {**cookie(secret), **FROM_OWN_PAGE}) == expected


@pytest.mark.slow
async def test_a_token_has_a_bounded_number_of_sessions(gateway: Gateway) -> None:
    token, other = await gateway.token(), await gateway.token()
    kept = await signed_in(gateway, other)
    browsers = [await signed_in(gateway, token) for _ in range(MOST_PER_TOKEN)]
    # The first browser has been used since.
    first = {"last_used_at": datetime.now(UTC) + timedelta(minutes=1)}
    await gateway.execute(update(WebSession).where(WebSession.id == 2).values(first))
    browsers += await asyncio.gather(*(signed_in(gateway, token) for _ in range(3)))
    assert len(await gateway.rows(WebSession)) == MOST_PER_TOKEN + 1
    await asyncio.sleep(PROMISED_SECONDS)
    found = [await role(gateway.http, browser) for browser in browsers]
    assert found == ["ADMIN", None, None, None, *["ADMIN"] * (MOST_PER_TOKEN - 1)]
    assert await role(gateway.http, kept) == "ADMIN"


async def test_a_session_that_is_not_used_for_long_ends(gateway: Gateway) -> None:
    token = await gateway.token()
    browser = await signed_in(gateway, token)
    await gateway.execute(update(WebSession).values(last_used_at=datetime.now(UTC) - IDLE))
    assert await role(gateway.http, browser) is None
    await signed_in(gateway, token)
    assert len(await gateway.rows(WebSession)) == 1


@pytest.mark.slow
async def test_the_use_of_a_session_is_a_use_of_its_token(database_url: str) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    async with running_gateway(database_url) as gateway:
        browser = await signed_in(gateway, await gateway.token())
    async with running_gateway(database_url) as gateway:
        for table in (WebSession, ApiToken):
            await gateway.execute(update(table).values(last_used_at=long_ago))
        assert await role(gateway.http, browser) == "ADMIN"
        await asyncio.sleep(PROMISED_SECONDS)
        used = [row["last_used_at"] for table in (WebSession, ApiToken) for row in await gateway.rows(table)]
        assert len(used) == 2
        assert min(used) > long_ago


async def test_a_sign_in_that_is_refused_says_why(gateway: Gateway) -> None:
    await gateway.link()
    tracking = await gateway.token("tracking", program_id=1)
    for headers, status, code in (
        ({}, 401, "unauthenticated"),
        (bearer("cg_nobody"), 401, "unauthenticated"),
        ({"Authorization": "Basic x"}, 401, "unauthenticated"),
        (bearer(tracking), 403, "nothing_to_see"),
        (await signed_in(gateway, await gateway.token()), 401, "unauthenticated"),
    ):
        answer = await gateway.http.post(SESSION, headers={**FROM_OWN_PAGE, **headers})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "set-cookie" not in answer.headers
    assert (await gateway.http.put(SESSION)).status_code == 405


async def test_guesses_count_against_the_rate_limit(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/hour") as gateway:
        answers = [await opened(gateway.http, "cg_guess") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert (await opened(gateway.http, await gateway.token())).status_code == 201


@pytest.mark.slow
async def test_a_subscription_ends_with_its_session(gateway: Gateway) -> None:
    await gateway.link()
    browser = await signed_in(gateway, await gateway.token())
    origin = str(gateway.http.base_url).rstrip("/")
    async with opened_socket(origin, None, additional_headers={**browser, "Origin": origin}) as ws:
        subscriber = Subscriber(ws)
        await subscriber.subscribe()
        await subscriber.begin(gateway)
        await gateway.http.delete(SESSION, headers=browser)
        assert await subscriber.end() == "UNAUTHENTICATED"


@pytest.mark.slow
async def test_a_database_that_cannot_answer_signs_nobody_out(gateway: Gateway) -> None:
    token = await gateway.token()
    browser = await signed_in(gateway, token)
    await gateway.execute(text("ALTER TABLE web_sessions RENAME TO elsewhere"))
    for answer in (await opened(gateway.http, token), await gateway.http.get(SESSION, headers=browser)):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert "retry-after" in answer.headers
        assert "set-cookie" not in answer.headers
    await gateway.execute(text("ALTER TABLE elsewhere RENAME TO web_sessions"))
    await asyncio.sleep(PROMISED_SECONDS)
    assert await role(gateway.http, browser) == "ADMIN"


async def test_an_unexpected_error_is_masked(gateway: Gateway, log: Log) -> None:
    token = await gateway.token()
    fault = unforeseen("web_sessions", is_sqlite=gateway.store.is_sqlite, column="secret_hash", type_="varchar(64)")
    await gateway.execute(text(fault.breaks.replace("NULL", "0")))
    answer = await opened(gateway.http, token)
    assert answer.status_code == 500
    assert answer.json() == {"error": "The session could not be read or changed", "code": "fault"}
    assert answer.headers["clickgate-fault"] in str([vars(record) for record in log.records])


async def test_the_openapi_document_describes_sessions(gateway: Gateway) -> None:
    document = (await gateway.http.get("/openapi.json")).json()
    methods = document["paths"][SESSION]
    assert {method: set(described["responses"]) for method, described in methods.items()} == {
        "post": {"201", "400", "401", "403", "404", "410", "413", "415", "429", "500", "503"},
        "get": {"200", "204", "500", "503"},
        "delete": {"204", "403", "500", "503"},
    }
    assert document["components"]["securitySchemes"]["sessionCookie"]["in"] == "cookie"
    for path, method in ((EXPORT, "get"), (IMPORT, "post")):
        assert document["paths"][path][method]["security"] == [{"bearerToken": []}, {"sessionCookie": []}]
