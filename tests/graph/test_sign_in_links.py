"""Sign-in links: who makes them, and that each signs one browser in, once."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from db.schema.sessions import SignInLink, WebSession
from db.schema.tokens import ApiToken
from tests.support.admin_mutations import changed, make_world, refusal
from tests.support.captured_log import Log
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.signed_in import FROM_OWN_PAGE, SESSION, bearer, cookie, opened, role, secret_in

SEEN = "{ viewer { role program { name } partner { name } } programs { nodes { name } } }"
DAY = timedelta(days=1)


def secret_of(url: str) -> str:
    return url.partition("#sign-in=")[2]


async def used(http: httpx.AsyncClient, secret: Any, **headers: str) -> httpx.Response:
    """Open a link as the dashboard does; return the answer. The client does not keep the cookie."""
    answer = await http.post(SESSION, json={"sign_in": secret}, headers={**FROM_OWN_PAGE, **headers})
    http.cookies.clear()
    return answer


async def link_of(gateway: Gateway, **fields: Any) -> str:
    """Make a link for an administrator; return its secret."""
    made = await changed(gateway, "createSignInLink", await gateway.token(), role="ADMIN", **fields)
    return secret_of(made["url"])


async def test_an_owner_invites_a_partner_to_its_own_program(gateway: Gateway) -> None:
    world = await make_world(gateway)
    made = await changed(gateway, "createSignInLink", world.owner, partnerId=world.shared)
    assert made["url"].startswith("/dashboard#sign-in=")
    assert timedelta(days=6.9) < datetime.fromisoformat(made["expiresAt"]) - datetime.now(UTC) < timedelta(days=7)
    token = made["apiToken"]
    assert (token["role"], token["label"], token["expiresAt"]) == ("PARTNER", "Sign-in link", None)
    assert (token["program"], token["partner"]) == ({"id": world.program}, {"id": world.shared})
    answer = await used(gateway.http, secret_of(made["url"]))
    assert (answer.status_code, answer.json()["role"]) == (201, "partner")
    browser = {**cookie(secret_in(answer)), **FROM_OWN_PAGE}
    seen = (await gateway.http.post("/graphql", json={"query": SEEN}, headers=browser)).json()["data"]
    assert seen["viewer"]["role"] == "PARTNER"
    assert seen["programs"]["nodes"] == [{"name": "Shop"}]


async def test_an_owner_invites_nobody_but_partners(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for input in ({"role": "ADMIN"}, {"role": "PROGRAM", "programId": world.program}):
        assert await refusal(gateway, "createSignInLink", world.owner, **input) == (None, "FORBIDDEN")
    assert await gateway.rows(SignInLink) == []


async def test_an_administrator_invites_anybody(gateway: Gateway) -> None:
    world = await make_world(gateway)
    inputs: dict[str, dict[str, Any]] = {
        "ADMIN": {},
        "PROGRAM": {"programId": world.elsewhere, "label": "Their owner", "validDays": 30},
        "PARTNER": {"partnerId": world.stranger, "validDays": None, "label": None},
    }
    for name, input in inputs.items():
        made = await changed(gateway, "createSignInLink", world.admin, role=name, **input)
        assert made["apiToken"]["label"] == input.get("label") or "Sign-in link"
        answer = await used(gateway.http, secret_of(made["url"]))
        assert await role(gateway.http, {**cookie(secret_in(answer)), **FROM_OWN_PAGE}) == name


@pytest.mark.slow
async def test_each_link_has_a_token_of_its_own(gateway: Gateway) -> None:
    world = await make_world(gateway)
    made = [await changed(gateway, "createSignInLink", world.owner, partnerId=world.partner) for _ in range(2)]
    assert len({link["apiToken"]["id"] for link in made}) == len({link["url"] for link in made}) == 2
    # The token itself is known to nobody, and revoking it is the way to end what the link began.
    answer = await used(gateway.http, secret_of(made[0]["url"]))
    browser = {**cookie(secret_in(answer)), **FROM_OWN_PAGE}
    for link in made:
        await changed(gateway, "revokeToken", world.owner, id=link["apiToken"]["id"])
    await asyncio.sleep(1.25)
    assert await role(gateway.http, browser) is None
    withdrawn = await used(gateway.http, secret_of(made[1]["url"]))
    assert (withdrawn.status_code, withdrawn.json()["code"]) == (410, "sign_in_link_expired")


async def test_a_link_works_once(gateway: Gateway) -> None:
    secret = await link_of(gateway)
    assert (await used(gateway.http, secret)).status_code == 201
    again = await used(gateway.http, secret)
    assert (again.status_code, again.json()["code"]) == (410, "sign_in_link_used")
    assert again.json()["error"].endswith("Ask whoever sent it for a new one")
    assert "set-cookie" not in again.headers


@pytest.mark.slow
async def test_of_several_browsers_that_use_a_link_at_a_time_one_is_signed_in(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        gateways = [await stack.enter_async_context(running_gateway(database_url)) for _ in range(2)]
        for _ in range(5):
            secret = await link_of(gateways[0])
            answers = await asyncio.gather(*(used(gateway.http, secret) for gateway in gateways * 4))
            assert sorted(answer.status_code for answer in answers) == [201] + [410] * 7
        assert len(await gateways[0].rows(WebSession)) == 5


@pytest.mark.parametrize("ends", ["the link", "the token"])
async def test_an_expired_link_signs_nobody_in(gateway: Gateway, ends: str) -> None:
    secret = await link_of(gateway, validDays=1)
    if ends == "the link":
        await gateway.execute(update(SignInLink).values(expires_at=datetime.now(UTC)))
    else:
        await gateway.execute(update(ApiToken).where(ApiToken.id > 1).values(expires_at=datetime.now(UTC)))
    answer = await used(gateway.http, secret)
    assert (answer.status_code, answer.json()["code"]) == (410, "sign_in_link_expired")
    assert await gateway.rows(WebSession) == []


async def test_links_that_expired_long_ago_are_removed(gateway: Gateway) -> None:
    secret = await link_of(gateway)
    for age, kept in ((89 * DAY, 2), (91 * DAY, 2)):
        oldest = min(row["id"] for row in await gateway.rows(SignInLink))
        old = {"expires_at": datetime.now(UTC) - age}
        await gateway.execute(update(SignInLink).where(SignInLink.id == oldest).values(old))
        await link_of(gateway)
        assert len(await gateway.rows(SignInLink)) == kept
    assert (await used(gateway.http, secret)).status_code == 404


@pytest.mark.parametrize("secret", ["A" * 43, "", "x", "A" * 3000, "' OR 1=1 --", "nö", "\0"])
async def test_an_unknown_secret_signs_nobody_in(gateway: Gateway, secret: str) -> None:
    answer = await used(gateway.http, secret)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_sign_in_link")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b"{", 400),
        (b'{"sign_in": 5}', 400),
        (b"{}", 401),
        (b'{"sign_in": null}', 401),
        (b"A" * 5000, 413),
    ],
)
async def test_a_body_without_a_secret_is_refused(gateway: Gateway, body: bytes, status: int) -> None:
    answer = await gateway.http.post(SESSION, content=body, headers=FROM_OWN_PAGE)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_guesses_count_against_the_rate_limit(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/hour") as gateway:
        assert [(await used(gateway.http, "A" * 43)).status_code for _ in range(3)] == [404, 404, 429]
        assert (await used(gateway.http, await link_of(gateway))).status_code == 201


async def test_a_token_in_the_request_wins_over_a_link(gateway: Gateway) -> None:
    secret = await link_of(gateway)
    assert (await used(gateway.http, secret, **bearer("cg_nobody"))).status_code == 401
    assert (await used(gateway.http, secret, **bearer(await gateway.token()))).status_code == 201
    assert (await used(gateway.http, secret)).status_code == 201


async def test_only_the_gateways_own_pages_use_a_link(gateway: Gateway) -> None:
    secret = await link_of(gateway)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://a.example"}):
        answer = await gateway.http.post(SESSION, json={"sign_in": secret}, headers=headers)
        assert answer.status_code == 403
    # What looks at links before people do reads pages, and does no more.
    for path in (f"/dashboard?sign-in={secret}", f"{SESSION}?sign_in={secret}", "/dashboard"):
        await gateway.http.get(path)
        await gateway.http.head(path)
    assert (await used(gateway.http, secret)).status_code == 201


async def test_a_link_ends_the_browsers_last_session(gateway: Gateway) -> None:
    former = secret_in(await opened(gateway.http, await gateway.token()))
    wrong = await used(gateway.http, "A" * 43, **cookie(former))
    assert wrong.status_code == 404
    assert await role(gateway.http, {**cookie(former), **FROM_OWN_PAGE}) == "ADMIN"
    assert (await used(gateway.http, await link_of(gateway), **cookie(former))).status_code == 201
    assert await role(gateway.http, {**cookie(former), **FROM_OWN_PAGE}) is None


@pytest.mark.parametrize(
    ("setting", "base"),
    [
        ({"public_url": "https://clicks.example.com/"}, "https://clicks.example.com"),
        ({"public_url": "https://example.com/clicks"}, "https://example.com/clicks"),
        ({"root_path": "/clicks"}, "/clicks"),
    ],
)
async def test_a_link_begins_with_the_public_address(
    make_sqlite: MakeDatabase, setting: dict[str, Any], base: str, log: Log
) -> None:
    async with running_gateway(make_sqlite(), **setting, log_level="debug") as gateway:
        made = await changed(gateway, "createSignInLink", await gateway.token(), role="ADMIN")
        assert made["url"].startswith(f"{base}/dashboard#sign-in=")
        secret = secret_of(made["url"])
        assert (await used(gateway.http, secret)).status_code == 201
        assert secret not in str(await gateway.rows(SignInLink)) + str([vars(record) for record in log.records])
