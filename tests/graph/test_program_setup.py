"""A program's setup: its steps, the hosts of its site, the codes that no link has, and who may see it."""

from typing import Any

import pytest
from sqlalchemy import update

from db.schema.programs import Program
from graph.query.global_ids import encode_id
from tests.support.gateways import Gateway
from tests.support.merchants import make_merchant

SETUP = """
query ($programId: ID) {
  programSetup(programId: $programId) {
    program { name }
    state scriptPath clickPath
    steps { name isDone }
    sites { host scriptSeenAt clickSeenAt }
    unknownCodes { code clicks lastPage firstSeenAt lastSeenAt }
  }
}
"""
TEST_CONVERSION = """
mutation ($input: RunTestConversionInput!) {
  runTestConversion(input: $input) { click lead sale passed program { name } userErrors { field code } }
}
"""


async def setup(gateway: Gateway, token: str | None, program_id: int | None = None) -> Any:
    variables = {} if program_id is None else {"programId": encode_id("Program", program_id)}
    answer = await gateway.graphql(SETUP, variables, token=token)
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]["programSetup"]


def undone(found: dict[str, Any]) -> list[str]:
    return [step["name"] for step in found["steps"] if not step["isDone"]]


async def convert(gateway: Gateway, token: str) -> dict[str, Any]:
    answer = await gateway.graphql(TEST_CONVERSION, {"input": {}}, token=token)
    found: dict[str, Any] = answer["data"]["runTestConversion"]
    return found


async def test_the_steps_are_done_one_by_one(gateway: Gateway) -> None:
    program = await gateway.program()
    token = await gateway.token("program", program_id=program["id"])
    found = await setup(gateway, token)
    assert found["state"] == "DRAFT"
    assert undone(found) == ["PROFILE", "COMMISSION_RULE", "PARTNER", "LINK", "TRACKER", "TEST_CONVERSION"]
    await gateway.execute(update(Program).values(domain="shop.example"))
    await gateway.link(program=program)
    assert undone(await setup(gateway, token)) == ["COMMISSION_RULE", "TRACKER", "TEST_CONVERSION"]
    await gateway.track()
    assert undone(await setup(gateway, token)) == ["COMMISSION_RULE", "TEST_CONVERSION"]
    failed = await convert(gateway, token)
    assert (failed["sale"], failed["passed"]) == ("unattributed", False)


async def test_a_test_conversion_completes_the_setup(gateway: Gateway) -> None:
    merchant = await make_merchant(gateway, domain="shop.example")
    token = await gateway.token("program", program_id=merchant.program_id)
    await merchant.rule()
    await merchant.visitor()
    passed = await convert(gateway, token)
    assert {passed["click"], passed["lead"], passed["sale"]} == {"attributed"}
    assert passed["passed"]
    found = await setup(gateway, token)
    assert (undone(found), found["state"]) == ([], "INTEGRATION_VERIFIED")


async def test_sites_are_those_of_scripts_and_clicks(gateway: Gateway) -> None:
    merchant = await make_merchant(gateway, domain="shop.example")
    token = await gateway.token("program", program_id=merchant.program_id)
    for referer in ("https://www.shop.example/", "https://elsewhere.example/"):
        await gateway.http.get("/js/affitor-tracker.js", headers={"Referer": referer})
    await gateway.track(None, affiliate_url=f"https://Shop.example/a?aff={merchant.code}")
    await gateway.track(None, affiliate_url=f"https://partner-page.example/?aff={merchant.code}")
    sites = {site["host"]: site for site in (await setup(gateway, token))["sites"]}
    assert {host: (site["scriptSeenAt"] is None, site["clickSeenAt"] is None) for host, site in sites.items()} == {
        "www.shop.example": (False, True),
        "shop.example": (True, False),
        "partner-page.example": (True, False),
    }


@pytest.mark.slow
async def test_codes_that_no_link_has_are_listed_until_one_has(gateway: Gateway) -> None:
    merchant = await make_merchant(gateway, domain="shop.example")
    token = await gateway.token("program", program_id=merchant.program_id)
    for code in ("TYPO", "TYPO", "LOST", "not%20well-formed"):
        await gateway.track(None, affiliate_url=f"https://shop.example/a/b?name=secret&aff={code}#c")
    found = (await setup(gateway, token))["unknownCodes"]
    assert [(each["code"], each["clicks"], each["lastPage"]) for each in found] == [
        ("TYPO", 2, "shop.example/a/b"),
        ("LOST", 1, "shop.example/a/b"),
    ]
    await gateway.link("TYPO", program={"id": merchant.program_id})
    assert [each["code"] for each in (await setup(gateway, token))["unknownCodes"]] == ["LOST"]


@pytest.mark.slow
async def test_who_may_see_a_setup(gateway: Gateway) -> None:
    merchant = await make_merchant(gateway)
    other = await gateway.program(name="Other")
    stranger = await gateway.token("program", program_id=other["id"])
    assert (await setup(gateway, await gateway.token(), other["id"]))["program"]["name"] == "Other"
    assert await setup(gateway, None) == "UNAUTHENTICATED"
    assert await setup(gateway, await gateway.token("partner", partner_id=1)) is None
    assert await setup(gateway, stranger, merchant.program_id) is None
    assert await setup(gateway, await gateway.token(), 999) is None
    assert await setup(gateway, await gateway.token()) == "BAD_USER_INPUT"


async def test_only_so_many_test_conversions_an_hour(gateway: Gateway) -> None:
    merchant = await make_merchant(gateway)
    token = await gateway.token("program", program_id=merchant.program_id)
    for _ in range(10):
        await convert(gateway, token)
    answer = await gateway.graphql(TEST_CONVERSION, {"input": {}}, token=token)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"


@pytest.mark.parametrize("code", ["TYPO", "cgcheck_x"])
async def test_what_is_no_links_code_is_refused_as_before(gateway: Gateway, code: str) -> None:
    await gateway.link()
    assert (await gateway.track(code)).status_code == 400
