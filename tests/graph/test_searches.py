"""Searching lists of links and memberships, and sorting them by what they brought in."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import update

from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from graph.query.global_ids import encode_id
from tests.support.gateways import Gateway
from tests.support.merchants import Merchant

LINKS = """query ($filter: ReferralLinkFilter, $field: ReferralLinkOrderField! = CODE) {
  referralLinks(filter: $filter, orderBy: {field: $field, direction: ASC}) { totalCount nodes { code } }
}"""
MEMBERS = """query ($filter: PartnerProgramFilter, $field: PartnerProgramOrderField! = NAME) {
  partnerPrograms(filter: $filter, orderBy: {field: $field, direction: ASC}) { nodes { partner { name } } }
}"""
NAMES = ("Anna Ärmel", "anna-banana", "50% off_now!", "شريك التسويق", "伙伴")
CODES = ("SUMMER", "summer_2", "W-50", "AR", "ZH")


async def make_links(gateway: Gateway) -> dict[str, Any]:
    """Create a partner with each name, each with a link in the same program. Return the program."""
    program = await gateway.program()
    for code, name in zip(CODES, NAMES, strict=True):
        partner = await gateway.partner(program, name=name)
        url = f"https://yoursite.com/{code[::-1]}"
        await gateway.link(code, program=program, partner=partner, destination_url=url)
    return program


async def found(gateway: Gateway, query: str, token: str, **variables: Any) -> list[str]:
    answer = await gateway.graphql(query, variables, token=token)
    (listed,) = answer["data"].values()
    if "totalCount" in listed:
        assert listed["totalCount"] == len(listed["nodes"])
    return [node["code"] if "code" in node else node["partner"]["name"] for node in listed["nodes"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("summer", ["SUMMER", "summer_2"]),
        ("MER_", ["summer_2"]),
        ("ANNA", ["SUMMER", "summer_2"]),
        ("0%", ["W-50"]),
        ("w!", ["W-50"]),
        ("REMMUS", ["SUMMER", "summer_2"]),
        ("Är", ["SUMMER"]),
        # Only the letters A to Z are the same in either case.
        ("är", []),
        ("التسويق", ["AR"]),
        ("伙", ["ZH"]),
        ("\\", []),
        ("", ["AR", "SUMMER", "W-50", "ZH", "summer_2"]),
    ],
)
async def test_links_are_found_by_any_part_of_their_texts(gateway: Gateway, text: str, codes: Sequence[str]) -> None:
    await make_links(gateway)
    assert await found(gateway, LINKS, await gateway.token(), filter={"search": text}) == codes


async def test_memberships_are_found_and_sorted_by_the_partners_name(gateway: Gateway) -> None:
    program = await make_links(gateway)
    token = await gateway.token("program", program_id=program["id"])
    assert await found(gateway, MEMBERS, token) == sorted(NAMES)
    assert await found(gateway, MEMBERS, token, filter={"search": "ANNA"}) == ["Anna Ärmel", "anna-banana"]
    assert await found(gateway, MEMBERS, token, filter={"search": "%"}) == ["50% off_now!"]


async def test_a_search_finds_nothing_that_is_out_of_scope(gateway: Gateway) -> None:
    program = await make_links(gateway)
    partner = await gateway.token("partner", partner_id=1)
    assert await found(gateway, LINKS, partner, filter={"search": "summer"}) == ["SUMMER"]
    assert await found(gateway, MEMBERS, partner, filter={"search": "anna"}) == [NAMES[0]]
    other = await gateway.program(name="Another program")
    token = await gateway.token("program", program_id=other["id"])
    assert await found(gateway, LINKS, token, filter={"search": ""}) == []
    named = encode_id("Program", program["id"])
    assert await found(gateway, MEMBERS, token, filter={"search": "", "programId": named}) == []


@pytest.mark.parametrize("field", ["LEADS", "SALES"])
async def test_links_and_memberships_are_sorted_by_what_they_brought_in(gateway: Gateway, field: str) -> None:
    await make_links(gateway)
    for number, counted in enumerate((3, 1, 2, 1, 0), start=1):
        counts = {field.lower(): counted}
        await gateway.execute(update(ReferralLink).where(ReferralLink.id == number).values(counts))
        await gateway.execute(update(PartnerProgram).where(PartnerProgram.partner_id == number).values(counts))
    token = await gateway.token()
    assert await found(gateway, LINKS, token, field=field) == ["ZH", "summer_2", "AR", "W-50", "SUMMER"]
    assert await found(gateway, MEMBERS, token, field=field) == [NAMES[at] for at in (4, 1, 3, 2, 0)]


async def test_a_membership_lists_the_links_of_the_partner_for_the_program(gateway: Gateway) -> None:
    program = await make_links(gateway)
    elsewhere = await gateway.program(name="Another program")
    await gateway.link("ELSEWHERE", program=elsewhere, partner={"id": 1})
    await gateway.link("PAUSED", program=program, partner={"id": 1}, status="inactive")
    query = """query ($program: ID!, $status: LinkStatus) {
      partnerPrograms(filter: {programId: $program}, orderBy: {field: CREATED_AT, direction: ASC}) {
        nodes { referralLinks(filter: {status: $status}) { totalCount nodes { code } } }
      }
    }"""
    for status, codes in ((None, ["PAUSED", "SUMMER"]), ("INACTIVE", ["PAUSED"])):
        variables = {"program": encode_id("Program", program["id"]), "status": status}
        answer = await gateway.graphql(query, variables, token=await gateway.token())
        first = answer["data"]["partnerPrograms"]["nodes"][0]["referralLinks"]
        assert first == {"totalCount": len(codes), "nodes": [{"code": code} for code in codes]}


CUSTOMERS = """query ($filter: CustomerFilter) {
  customers(filter: $filter) { totalCount nodes { customerKey } }
}"""


async def test_a_customer_is_found_by_the_merchants_key(merchant: Merchant) -> None:
    for key in ("user_1", "user_12", "User_1"):
        await merchant.lead(click_id=await merchant.visitor(), customer_key=key)
    gateway = merchant.gateway
    owner = await gateway.token("program", program_id=merchant.program_id)
    other = await gateway.token("program", program_id=(await gateway.program())["id"])
    partner = await gateway.token("partner", partner_id=1)
    for token, key, expected in (
        (owner, "user_1", ["user_1"]),
        (await gateway.token(), "User_1", ["User_1"]),
        (owner, "user_", []),
        (owner, "", []),
        (other, "user_1", []),
        # Partners see no keys, and must not be able to guess them.
        (partner, "user_1", []),
    ):
        answer = await gateway.graphql(CUSTOMERS, {"filter": {"customerKey": key}}, token=token)
        listed = answer["data"]["customers"]
        assert [node["customerKey"] for node in listed["nodes"]] == expected, key
        assert listed["totalCount"] == len(expected)
