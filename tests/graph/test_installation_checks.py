"""Checks of an installation: what a page is found to have, the click of a visit, and who may check what."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from db.schema.programs import Program
from graph.query.global_ids import encode_id
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.merchant_pages import MerchantPages, merchant_pages, tag

START = """
mutation ($input: StartInstallationCheckInput!) {
  startInstallationCheck(input: $input) {
    code url page { state httpStatus detail waitsForConsent } userErrors { field message code }
  }
}
"""
ARRIVAL = "query ($code: String!) { installationCheck(code: $code) { arrivedAt page } }"


@pytest.fixture
async def pages() -> AsyncIterator[MerchantPages]:
    async with merchant_pages() as running:
        yield running


@pytest.fixture
async def owner(gateway: Gateway, pages: MerchantPages) -> str:
    """The token of the program whose domain is the site."""
    link = await gateway.link()
    await gateway.execute(update(Program).values(domain=f"127.0.0.1:{pages.port}"))
    return await gateway.token("program", program_id=link["program_id"])


def origin(gateway: Gateway) -> str:
    return str(gateway.http.base_url).rstrip("/")


async def start(gateway: Gateway, token: str, url: str, **more: Any) -> dict[str, Any]:
    answer = await gateway.graphql(START, {"input": {"url": url, "origin": origin(gateway), **more}}, token=token)
    found: dict[str, Any] = answer["data"]["startInstallationCheck"]
    return found


async def state(gateway: Gateway, token: str, url: str) -> tuple[str, Any]:
    page = (await start(gateway, token, url))["page"]
    return page["state"], page["httpStatus"] or page["detail"]


async def arrival(gateway: Gateway, token: str | None, code: str) -> Any:
    answer = await gateway.graphql(ARRIVAL, {"code": code}, token=token)
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]["installationCheck"]


async def test_what_a_page_has(gateway: Gateway, owner: str, pages: MerchantPages) -> None:
    here = origin(gateway)
    assert await state(gateway, owner, pages.set("/good", tag(here, 1))) == ("FOUND", None)
    assert await state(gateway, owner, pages.set("/none", "<p>Hello")) == ("MISSING", None)
    assert await state(gateway, owner, pages.set("/other", tag(here, 2))) == ("WRONG_PROGRAM", "2")
    policy = {"Content-Security-Policy": "default-src 'self'"}
    assert await state(gateway, owner, pages.set("/csp", tag(here, 1), policy)) == ("SCRIPT_BLOCKED", "default-src")
    assert await state(gateway, owner, pages.origin + "/missing") == ("HTTP_ERROR", 404)


async def test_only_so_many_pages_of_a_program_are_fetched_a_minute(
    gateway: Gateway, owner: str, pages: MerchantPages
) -> None:
    given = {"url": pages.set("/good", tag(origin(gateway), 1)), "origin": origin(gateway)}
    # As a minute begins, the ones before it weigh less and less, so that a few more are let through.
    answers = [await gateway.graphql(START, {"input": given}, token=owner) for _ in range(35)]
    assert all("errors" not in answer for answer in answers[:30])
    assert answers[-1]["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    other = await gateway.link("OTHER")
    await gateway.execute(
        update(Program).where(Program.id == other["program_id"]).values(domain=f"127.0.0.1:{pages.port}")
    )
    token = await gateway.token("program", program_id=other["program_id"])
    assert "errors" not in await gateway.graphql(START, {"input": given}, token=token)


async def test_redirects_are_followed_but_not_without_end(gateway: Gateway, owner: str, pages: MerchantPages) -> None:
    pages.set("/good", tag(origin(gateway), 1))
    moved = pages.set("/moved", "", {"Location": "/good"}, 302)
    assert await state(gateway, owner, moved) == ("FOUND", None)
    circle = pages.set("/circle", "", {"Location": "/circle"}, 302)
    assert await state(gateway, owner, circle) == ("TOO_MANY_REDIRECTS", None)


async def test_only_the_beginning_of_a_long_page_is_read(gateway: Gateway, owner: str, pages: MerchantPages) -> None:
    url = pages.set("/long", "x" * 3_000_000 + tag(origin(gateway), 1))
    assert await state(gateway, owner, url) == ("MISSING", None)


async def test_a_server_that_is_gone(gateway: Gateway, owner: str) -> None:
    await gateway.execute(update(Program).values(domain=None))
    assert await state(gateway, owner, "http://127.0.0.1:9/") == ("UNREACHABLE", None)


async def test_pages_of_other_sites_are_refused(gateway: Gateway, owner: str, pages: MerchantPages) -> None:
    for url in ("https://elsewhere.example/", f"http://127.0.0.1:{pages.port}@elsewhere.example/", "ftp://a.b/", ""):
        refused = await start(gateway, owner, url)
        assert refused["page"] is None
        assert [error["field"] for error in refused["userErrors"]] == ["url"]


@pytest.mark.slow
async def test_the_click_of_a_visit_arrives_and_counts_nowhere(
    gateway: Gateway, owner: str, pages: MerchantPages
) -> None:
    url = pages.set("/good", tag(origin(gateway), 1))
    check = await start(gateway, owner, f"{url}?size=4&aff=OTHER#top")
    assert check["url"] == f"{url}?aff={check['code']}&size=4#top"
    assert await arrival(gateway, owner, check["code"]) is None
    answer = await gateway.track(None, affiliate_url=check["url"])
    assert answer.status_code == 200
    assert "click_id" not in answer.json()
    found = await arrival(gateway, owner, check["code"])
    assert found["page"] == f"127.0.0.1:{pages.port}/good"
    assert await gateway.recorded() == 0


async def test_a_test_click_that_only_mentions_the_code_is_not_the_visit(
    gateway: Gateway, owner: str, pages: MerchantPages
) -> None:
    check = await start(gateway, owner, pages.set("/good", ""))
    given = {"test_mode": True, "program_id": 1}
    for mentioned in (f"{pages.origin}?ref={{}}", "{}", "https://?aff={}", f"{pages.origin}?aff=&ref={{}}"):
        answer = await gateway.track(None, affiliate_url=mentioned.format(check["code"]), additional_data=given)
        assert answer.json()["data"]["programId"] == 1
    assert await arrival(gateway, owner, check["code"]) is None


@pytest.mark.slow
async def test_a_check_is_its_own_programs(gateway: Gateway, owner: str, pages: MerchantPages) -> None:
    check = await start(gateway, owner, pages.set("/good", ""))
    other = await gateway.program(name="Other")
    stranger = await gateway.token("program", program_id=other["id"])
    partner = await gateway.token("partner", partner_id=1)
    administrator = await gateway.token()
    assert await arrival(gateway, None, check["code"]) == "UNAUTHENTICATED"
    await gateway.track(None, affiliate_url=check["url"])
    assert await arrival(gateway, administrator, check["code"]) is not None
    assert await arrival(gateway, partner, check["code"]) is None
    assert await arrival(gateway, stranger, check["code"]) is None
    for code in ("", "PARTNER123", "cgcheck_1_", "cgcheck_0_" + "a" * 16, "cgcheck_99999999999999999999_" + "a" * 16):
        assert await arrival(gateway, owner, code) is None
    refused = await start(gateway, stranger, pages.origin, programId=encode_id("Program", 1))
    assert refused["userErrors"][0]["field"] == "programId"
    refused = await start(gateway, administrator, pages.origin)
    assert refused["userErrors"][0]["field"] == "programId"


async def test_a_check_of_no_program_is_no_click(gateway: Gateway, owner: str) -> None:
    answer = await gateway.track("cgcheck_99_" + "a" * 16)
    assert answer.status_code == 400
    assert await gateway.test_events() == []


async def test_no_link_can_have_the_code_of_a_check(gateway: Gateway, owner: str) -> None:
    document = (
        "mutation ($input: CreateReferralLinkInput!) { createReferralLink(input: $input) { userErrors { field } } }"
    )
    named = {"programId": encode_id("Program", 1), "partnerId": encode_id("Partner", 1), "code": "cgcheck_1"}
    answer = await gateway.graphql(document, {"input": named}, token=owner)
    assert answer["data"]["createReferralLink"]["userErrors"] == [{"field": "code"}]


@pytest.mark.parametrize(
    "settings", [{"private_sites": "false"}, {"host": "0.0.0.0"}, {"trusted_proxies": "127.0.0.1"}]
)
async def test_private_networks_are_not_fetched(
    make_sqlite: MakeDatabase, pages: MerchantPages, settings: dict[str, Any]
) -> None:
    async with running_gateway(make_sqlite(), **settings) as gateway:
        await gateway.link()
        url = pages.set("/good", tag(origin(gateway), 1))
        owner = await gateway.token("program", program_id=1)
        assert await state(gateway, owner, url) == ("PRIVATE_ADDRESS", None)
        localhost = url.replace("127.0.0.1", "localhost")
        assert await state(gateway, owner, localhost) == ("PRIVATE_ADDRESS", None)
