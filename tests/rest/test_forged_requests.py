"""Requests with a session's cookie that do not come from the gateway's own pages, and cookies that nobody should send.

What browsers themselves do with the cookie is tested in `tests/web/test_forged_requests.py`.
"""

from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from db.schema.programs import Program
from graph.http.session_cookie import NAME, SECURE_NAME
from tests.support.click_apis import graphql
from tests.support.databases import MakeDatabase
from tests.support.gateways import URL, Gateway, running_gateway
from tests.support.graphql_sockets import Subscriber
from tests.support.graphql_sockets import opened as opened_socket
from tests.support.raw_http import connection, request
from tests.support.signed_in import FROM_OWN_PAGE, SESSION, VIEWER, bearer, cookie, role, signed_in

EVIL = "https://evil.example"
# Of a request, and whether it counts when it changes something, and when it only reads.
SENT = {
    "our page": ({"Sec-Fetch-Site": "same-origin"}, True, True),
    "our page, through a proxy that changes the host": (
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://clicks.example"},
        True,
        True,
    ),
    "our page in a browser without Sec-Fetch-Site": ({"Origin": "{own}"}, True, True),
    "a typed address": ({"Sec-Fetch-Site": "none"}, False, True),
    "a browser that says nothing": ({}, False, True),
    "a foreign page": ({"Sec-Fetch-Site": "cross-site", "Origin": EVIL}, False, False),
    "a foreign page without an origin": ({"Sec-Fetch-Site": "cross-site"}, False, False),
    "another port or subdomain": ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"}, False, False),
    "a foreign page that claims our origin": ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, False, False),
    "an unknown word": ({"Sec-Fetch-Site": "same-origin, cross-site"}, False, False),
    "an empty word": ({"Sec-Fetch-Site": ""}, False, False),
    "a foreign page in an old browser": ({"Origin": EVIL}, False, False),
    "another port in an old browser": ({"Origin": "http://127.0.0.1:1"}, False, False),
    "the default port in an old browser": ({"Origin": "http://127.0.0.1"}, False, False),
    "a longer host in an old browser": ({"Origin": "{own}.evil.example"}, False, False),
    "our host as a user in an old browser": ({"Origin": "{own}@evil.example"}, False, False),
    "a sandboxed page": ({"Origin": "null"}, False, False),
    "an origin without a host": ({"Origin": "file://"}, False, False),
    "an origin of another kind": ({"Origin": "ftp://127.0.0.1"}, False, False),
    "an origin that is none": ({"Origin": "http://[::1"}, False, False),
    "an origin with a port that is none": ({"Origin": "http://127.0.0.1:99999"}, False, False),
}


@pytest.fixture
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    async with running_gateway(make_sqlite()) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("sender", SENT)
async def test_only_requests_of_our_own_pages_are_identified_by_the_cookie(gateway: Gateway, sender: str) -> None:
    sent, may_change, may_read = SENT[sender]
    own = str(gateway.http.base_url).rstrip("/")
    await gateway.link()
    browser = await signed_in(gateway, await gateway.token())
    forged = {"Cookie": browser["Cookie"], **{name: value.format(own=own) for name, value in sent.items()}}
    assert await role(gateway.http, forged) == ("ADMIN" if may_change else None)
    queried = await gateway.http.get("/graphql", params={"query": VIEWER}, headers=forged)
    assert (queried.json()["data"] is not None) == may_read
    exported = await gateway.http.get("/api/v1/export/links.csv", headers=forged)
    assert exported.status_code == (200 if may_read else 401)
    session = await gateway.http.get(SESSION, headers=forged)
    assert (session.status_code, "set-cookie" in session.headers) == ((200, True) if may_read else (204, False))
    imported = await gateway.http.post("/api/v1/import/links", content=b"partner_id,program_id\n1,1\n", headers=forged)
    assert imported.status_code == (200 if may_change else 401)
    opened = await gateway.http.post(SESSION, headers={**forged, **bearer(await gateway.token())})
    assert opened.status_code == (201 if may_change else 403)
    # Last, as it ends the session.
    gateway.http.cookies.clear()
    browser = await signed_in(gateway, await gateway.token())
    ended = await gateway.http.delete(SESSION, headers={**forged, "Cookie": browser["Cookie"]})
    assert ended.status_code == (204 if may_change else 403)
    assert await role(gateway.http, browser) == (None if may_change else "ADMIN")


@pytest.mark.parametrize("twice", ["Origin", "Sec-Fetch-Site"])
async def test_a_header_that_is_sent_twice_proves_nothing(gateway: Gateway, twice: str) -> None:
    browser = await signed_in(gateway, await gateway.token())
    host = f"{gateway.http.base_url.host}:{gateway.http.base_url.port}"
    values = {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}[twice]
    for times, status in ((1, b"204"), (2, b"403")):
        sent = request(*[f"{twice}: {values}"] * times, f"Cookie: {browser['Cookie']}", method="DELETE", path=SESSION)
        async with connection(gateway) as (reader, writer):
            writer.write(sent.replace(b"Host: gateway", f"Host: {host}".encode()))
            assert (await reader.readline()).split()[1] == status


async def test_a_query_string_with_a_cookie_changes_nothing(gateway: Gateway) -> None:
    await gateway.link()
    browser = await signed_in(gateway, await gateway.token())
    mutation = 'mutation { createProgram(input: {name: "Mine"}) { program { id } } }'
    answer = await gateway.http.get("/graphql", params={"query": mutation}, headers=browser)
    assert answer.status_code == 405
    assert len(await gateway.rows(Program)) == 1


@pytest.mark.slow
async def test_a_token_wins_over_the_cookie(gateway: Gateway) -> None:
    await gateway.link()
    browser = await signed_in(gateway, await gateway.token())
    assert await role(gateway.http, {**browser, **bearer(await gateway.token("partner", partner_id=1))}) == "PARTNER"
    for wrong in ("Bearer cg_nobody", "Basic cg_nobody", ""):
        assert await role(gateway.http, {**browser, "Authorization": wrong}) is None


COOKIES = {
    "among others": ("a=1; {own}; b=2", True),
    "twice the same": ("{own}; {own}", True),
    "planted before": (f"{NAME}=" + "A" * 43 + "; {own}", False),
    "planted after": ("{own}; " + f"{NAME}=" + "A" * 43, False),
    "planted and empty": ("{own}; " + f"{NAME}=", False),
    "beside one of the host": ("{own}; " + f"{SECURE_NAME}=" + "A" * 43, False),
    "in another name": ("x{own}", False),
    "in other letters": (NAME.upper() + "={secret}", False),
    "too long": ("{own}A", False),
    "far too long": ("{own}" + "A" * 50_000, False),
    "cut": ("{cut}", False),
    "quoted": (f'{NAME}="' + "{secret}" + '"', False),
    "with text that is no secret": (f"{NAME}=' OR 1=1 --", False),
    "without a value": (NAME, False),
    "crowded": ("; ".join(f"c{number}=1" for number in range(3000)) + "; {own}", True),
}


@pytest.mark.parametrize("kind", COOKIES)
async def test_only_one_well_formed_cookie_counts(gateway: Gateway, kind: str) -> None:
    text, counts = COOKIES[kind]
    own = (await signed_in(gateway, await gateway.token()))["Cookie"]
    sent = text.format(own=own, cut=own[:-1], secret=own.partition("=")[2])
    assert await role(gateway.http, {"Cookie": sent, **FROM_OWN_PAGE}) == ("ADMIN" if counts else None)


async def test_bytes_that_are_no_text_are_no_secret(gateway: Gateway) -> None:
    answer = await gateway.http.get(
        SESSION, headers={b"Cookie": NAME.encode() + b"=\xff\xfe", b"Sec-Fetch-Site": b"none"}
    )
    assert answer.status_code == 204


@pytest.mark.parametrize("origins", ["", "*", EVIL])
async def test_no_answer_lets_a_foreign_page_use_the_cookie(make_sqlite: MakeDatabase, origins: str) -> None:
    async with running_gateway(make_sqlite(), graphql_origins=origins) as gateway:
        browser = await signed_in(gateway, await gateway.token())
        asked = {"Origin": EVIL, "Cookie": browser["Cookie"], "Access-Control-Request-Method": "POST"}
        for path in ("/graphql", SESSION, "/api/v1/export/links.csv", "/api/v1/import/links", "/api/v1/track/click"):
            for method in ("OPTIONS", "GET", "POST", "DELETE"):
                answer = await gateway.http.request(method, path, headers=asked)
                assert "access-control-allow-credentials" not in answer.headers
                assert path != SESSION or not [name for name in answer.headers if name.startswith("access-control")]
        assert await role(gateway.http, asked) is None


@pytest.mark.parametrize("path", ["lead", "sale", "refund"])
async def test_conversions_are_never_identified_by_a_cookie(gateway: Gateway, path: str) -> None:
    await gateway.link()
    browser = await signed_in(gateway, await gateway.token("program", program_id=1))
    with_cookie, without = [
        await gateway.http.post(f"/api/v1/track/{path}", json={"click_id": "cust_1_1"}, headers=headers)
        for headers in (browser, {})
    ]
    assert (with_cookie.status_code, with_cookie.json()) == (without.status_code, without.json())


async def test_clicks_are_recorded_whatever_the_cookie(gateway: Gateway) -> None:
    await gateway.link()
    for text in ("A" * 43, "", "A" * 40_000):
        assert (await gateway.track(headers=cookie(text))).status_code == 200
    for headers in (cookie("A" * 43), {**cookie("A" * 43), **FROM_OWN_PAGE}, {**cookie("A"), "Origin": EVIL}):
        answer = await graphql(gateway.http, {"affiliate_url": URL.format("PARTNER123")}, headers)
        assert answer.json()["success"] is True


@pytest.mark.parametrize(
    ("origin", "identified"), [("{own}", True), (None, False), (EVIL, False), ("http://127.0.0.1:1", False)]
)
async def test_a_socket_is_identified_by_the_cookie_only_from_our_own_pages(
    make_sqlite: MakeDatabase, origin: str | None, identified: bool
) -> None:
    async with running_gateway(make_sqlite(), graphql_origins="*") as gateway:
        own = str(gateway.http.base_url).rstrip("/")
        headers = {"Cookie": (await signed_in(gateway, await gateway.token()))["Cookie"]}
        if origin is not None:
            headers["Origin"] = origin.format(own=own)
        async with opened_socket(own, None, additional_headers=headers) as ws:
            subscriber = Subscriber(ws)
            await subscriber.subscribe(VIEWER)
            payload = (await subscriber.receive())["payload"]
            assert payload["data"] == ({"viewer": {"role": "ADMIN"}} if identified else None)


async def test_a_socket_of_a_foreign_page_is_refused(gateway: Gateway) -> None:
    headers = {**(await signed_in(gateway, await gateway.token())), "Sec-Fetch-Site": "cross-site", "Origin": EVIL}
    with pytest.raises(InvalidStatus) as refused:
        async with opened_socket(str(gateway.http.base_url), None, additional_headers=headers):
            pass
    assert refused.value.response.status_code == 403


async def test_nothing_starts_on_a_socket_whose_session_has_ended(gateway: Gateway) -> None:
    browser, own = await signed_in(gateway, await gateway.token()), str(gateway.http.base_url).rstrip("/")
    async with opened_socket(own, None, additional_headers={**browser, "Origin": own}) as ws:
        await gateway.http.delete(SESSION, headers=browser)
        await Subscriber(ws).subscribe(VIEWER)
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_a_session_that_has_ended_leaves_a_socket_anonymous(gateway: Gateway) -> None:
    browser, own = await signed_in(gateway, await gateway.token()), str(gateway.http.base_url).rstrip("/")
    await gateway.http.delete(SESSION, headers=browser)
    async with opened_socket(own, None, additional_headers={**browser, "Origin": own}) as ws:
        await Subscriber(ws).subscribe("{ __typename }")
        assert (await Subscriber(ws).receive())["payload"]["data"] == {"__typename": "Query"}
