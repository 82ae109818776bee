"""Who may issue which tokens, and what each token then shows."""

import pytest

from db.schema.tokens import ApiToken
from graph.query.global_ids import encode_id
from tests.support.admin_mutations import changed, make_world, refusal
from tests.support.gateways import Gateway

SEEN = """{
  programs { nodes { name } } partners { nodes { id } } partnerPrograms { nodes { program { name } } }
  referralLinks { nodes { code } } clickEvents { nodes { referralLink { code } } } customers { totalCount }
}"""
NODE = "query ($id: ID!) { node(id: $id) { id } }"


async def test_an_owner_can_only_issue_partner_and_tracking_tokens(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for input in ({"role": "ADMIN"}, {"role": "PROGRAM", "programId": world.program}, {"role": "PROGRAM"}):
        assert await refusal(gateway, "issueToken", world.owner, **input) == (None, "FORBIDDEN")


@pytest.mark.slow
@pytest.mark.parametrize("names_program", [True, False])
async def test_a_token_issued_by_an_owner_shows_only_that_program(gateway: Gateway, names_program: bool) -> None:
    world = await make_world(gateway)
    for code in ("SHARED-HERE", "SHARED-THERE", "HERE", "THERE"):
        await gateway.track(code)
    named = {"programId": world.program} if names_program else {}
    issued = await changed(gateway, "issueToken", world.owner, role="PARTNER", partnerId=world.shared, **named)
    seen = (await gateway.graphql(SEEN, token=issued["token"]))["data"]
    assert seen["programs"]["nodes"] == [{"name": "Shop"}]
    assert seen["partners"]["nodes"] == [{"id": world.shared}]
    assert seen["referralLinks"]["nodes"] == [{"code": "SHARED-HERE"}]
    assert seen["partnerPrograms"]["nodes"] == [{"program": {"name": "Shop"}}]
    assert seen["clickEvents"]["nodes"] == [{"referralLink": {"code": "SHARED-HERE"}}]
    assert seen["customers"]["totalCount"] == 1
    for id in (world.elsewhere, world.stranger, world.partner, world.foreign_link, world.link):
        answer = await gateway.graphql(NODE, {"id": id}, token=issued["token"])
        assert answer["data"] == {"node": None}


async def test_a_partner_token_issued_by_an_administrator_shows_all_its_programs(gateway: Gateway) -> None:
    world = await make_world(gateway)
    issued = await changed(gateway, "issueToken", world.admin, role="PARTNER", partnerId=world.shared)
    seen = (await gateway.graphql(SEEN, token=issued["token"]))["data"]
    assert {node["code"] for node in seen["referralLinks"]["nodes"]} == {"SHARED-HERE", "SHARED-THERE"}


@pytest.mark.parametrize("names_program", [True, False])
async def test_an_owner_issues_and_revokes_tracking_tokens_of_its_program(
    gateway: Gateway, names_program: bool
) -> None:
    world = await make_world(gateway)
    named = {"programId": world.program} if names_program else {}
    issued = await changed(gateway, "issueToken", world.owner, role="TRACKING", **named)
    assert issued["apiToken"]["program"] == {"id": world.program}
    assert issued["apiToken"]["partner"] is None
    id = issued["apiToken"]["id"]
    assert await refusal(gateway, "revokeToken", world.foreign_owner, id=id) == ("id", "unknown_token")
    assert (await changed(gateway, "revokeToken", world.owner, id=id))["apiToken"]["revokedAt"] is not None
    faults = {"programId": world.elsewhere}, {"partnerId": world.partner}
    told = [await refusal(gateway, "issueToken", world.owner, role="TRACKING", **fault) for fault in faults]
    assert told == [("programId", "unknown_program"), ("partnerId", "field_invalid")]
    unbound = await refusal(gateway, "issueToken", world.admin, role="TRACKING")
    assert unbound == ("programId", "field_invalid")


@pytest.mark.slow
async def test_a_tracking_token_reads_nothing_but_its_role(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for code in ("HERE", "SHARED-HERE"):
        await gateway.track(code)
    seen = (await gateway.graphql(SEEN, token=world.tracking_token))["data"]
    assert [seen[name].get("nodes") or [] for name in seen] == [[]] * len(seen)
    assert seen["customers"]["totalCount"] == 0
    for id in (world.program, world.partner, world.link):
        assert (await gateway.graphql(NODE, {"id": id}, token=world.tracking_token))["data"] == {"node": None}
    viewer = await gateway.graphql("{ viewer { role program { id } } }", token=world.tracking_token)
    assert viewer["data"]["viewer"] == {"role": "TRACKING", "program": None}


async def test_an_owner_can_revoke_the_programs_partner_tokens_but_not_its_own(gateway: Gateway) -> None:
    world = await make_world(gateway)
    tokens = {row["role"]: encode_id("ApiToken", row["id"]) for row in await gateway.rows(ApiToken)}
    for id in (id for role, id in tokens.items() if role != "tracking"):
        assert await refusal(gateway, "revokeToken", world.owner, id=id) == ("id", "unknown_token")
    issued = await changed(
        gateway, "issueToken", world.admin, role="PARTNER", partnerId=world.shared, programId=world.program
    )
    revoked = await changed(gateway, "revokeToken", world.owner, id=issued["apiToken"]["id"])
    assert revoked["apiToken"]["revokedAt"] is not None
    again = await changed(gateway, "revokeToken", world.owner, id=issued["apiToken"]["id"])
    assert again == revoked
