"""A partner who is suspended in a program: its links there record no clicks, and everything else stays as it was."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from db.lookups.link_directory import LinkDirectory
from db.lookups.link_records import KnownLink, KnownMembership, LinkIndex
from db.schema.links import ReferralLink
from db.schema.tokens import ApiToken
from graph.domain import link_import
from graph.query.global_ids import encode_id
from tests.support.admin_mutations import World, change, changed, make_world, refusal
from tests.support.click_apis import both_apis
from tests.support.conversion_apis import conversion_apis
from tests.support.gateways import PROMISED_SECONDS, Gateway, body_of, running_gateway
from tests.support.merchants import Merchant

NEVER = 3600
PAUSED = {"success": False, "message": "Referral link is inactive"}
SUSPENDED = "UPDATE partner_programs SET suspended_at = created_at WHERE program_id = 1 AND partner_id = 1"


@pytest.fixture
def _without_refreshing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a click sees, the change itself has told the directory."""
    monkeypatch.setattr("db.lookups.link_directory.REFRESH_SECONDS", NEVER)


def shared(world: World) -> dict[str, str]:
    """Name the membership of the partner who is in both programs, in the first one."""
    return {"partnerId": world.shared, "programId": world.program}


async def links(gateway: Gateway) -> list[dict[str, Any]]:
    return await gateway.rows(ReferralLink)


@pytest.mark.slow
@both_apis
@pytest.mark.usefixtures("_without_refreshing")
async def test_the_next_click_of_a_suspended_partner_is_answered_as_that_of_a_paused_link(gateway: Gateway) -> None:
    world = await make_world(gateway)
    await gateway.link("PAUSED", program={"id": 1}, partner={"id": 3}, status="inactive")
    before = await links(gateway)
    for token in (world.owner, world.admin):
        await changed(gateway, "suspendPartner", token, **shared(world))
        paused, suspended = await gateway.track("PAUSED"), await gateway.track("SHARED-HERE")
        assert (suspended.status_code, body_of(suspended)) == (paused.status_code, body_of(paused)) == (200, PAUSED)
        assert await gateway.recorded() == 0
        assert await links(gateway) == before
        await changed(gateway, "resumePartner", token, **shared(world))
    assert body_of(await gateway.track("PAUSED")) == PAUSED
    assert body_of(await gateway.track("SHARED-HERE"))["success"] is True


@pytest.mark.slow
async def test_other_partners_and_other_programs_of_the_partner_go_on(gateway: Gateway) -> None:
    world = await make_world(gateway)
    await changed(gateway, "suspendPartner", world.owner, **shared(world))
    for code in ("HERE", "THERE", "SHARED-THERE"):
        assert body_of(await gateway.track(code))["success"] is True


@pytest.mark.usefixtures("_without_refreshing")
async def test_links_that_a_suspended_partner_is_given_record_nothing_until_it_is_back(gateway: Gateway) -> None:
    world = await make_world(gateway)
    await changed(gateway, "suspendPartner", world.owner, **shared(world))
    await changed(gateway, "createReferralLink", world.owner, **shared(world), code="CREATED")
    await link_import.import_links(gateway.context, b"partner_id,code\n3,IMPORTED\n", 1)
    here = {row["code"]: row["id"] for row in await links(gateway)}["SHARED-HERE"]
    renamed = {"id": encode_id("ReferralLink", here), "code": "RENAMED"}
    await changed(gateway, "updateReferralLink", world.owner, **renamed)
    codes = ("CREATED", "IMPORTED", "RENAMED")
    assert [body_of(await gateway.track(code)) for code in codes] == [PAUSED] * 3
    await changed(gateway, "resumePartner", world.owner, **shared(world))
    assert [body_of(await gateway.track(code))["success"] for code in codes] == [True] * 3


@conversion_apis
async def test_conversions_of_clicks_from_before_count_for_a_suspended_partner(merchant: Merchant) -> None:
    await merchant.rule()
    click_ids = [await merchant.visitor() for _ in range(2)]
    admin = await merchant.gateway.token()
    ids = {"partnerId": encode_id("Partner", 1), "programId": encode_id("Program", merchant.program_id)}
    await changed(merchant.gateway, "suspendPartner", admin, **ids)
    assert (await merchant.lead(click_id=click_ids[0])).is_success
    for click_id in click_ids:
        assert body_of(await merchant.sale(click_id=click_id))["commission_id"] is not None
    (member,) = await merchant.gateway.memberships()
    assert (member["clicks"], member["leads"], member["sales"]) == (2, 1, 2)


@pytest.mark.slow
async def test_every_gateway_sees_a_suspension_and_its_end_within_a_second(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url) as other:
        world = await make_world(gateway)
        for mutation, counts in (("suspendPartner", False), ("resumePartner", True)):
            assert body_of(await other.track("SHARED-HERE"))["success"] is not counts
            await changed(gateway, mutation, world.owner, **shared(world))
            async with asyncio.timeout(PROMISED_SECONDS):
                while body_of(await other.track("SHARED-HERE"))["success"] is not counts:
                    await asyncio.sleep(0.05)


async def test_a_directory_that_starts_later_knows_who_is_suspended(gateway: Gateway) -> None:
    await gateway.link()
    await gateway.execute(text(SUSPENDED))
    directory = LinkDirectory(gateway.store)
    await directory.refresh()
    assert (link := await directory.find("PARTNER123")) is not None
    assert not directory.takes_clicks(link)
    await gateway.execute(text("UPDATE partner_programs SET suspended_at = NULL"))
    await directory.refresh()
    assert directory.takes_clicks(link)


async def test_news_of_a_suspension_may_arrive_out_of_order() -> None:
    link = KnownLink(1, "A", True, 1, 1, version=1)
    known = LinkIndex([link])
    known.learn(LinkIndex(memberships=[KnownMembership(1, 1, False, version=6)]))
    known.learn(LinkIndex(memberships=[KnownMembership(1, 1, True, version=5)]))
    assert known.takes_clicks(link)
    assert known.newer_than(5).memberships == known.memberships


async def test_suspending_twice_keeps_the_first_time_and_resuming_twice_changes_nothing(gateway: Gateway) -> None:
    world = await make_world(gateway)
    first = await changed(gateway, "suspendPartner", world.owner, **shared(world))
    assert first["partnerProgram"]["suspendedAt"] is not None
    assert await changed(gateway, "suspendPartner", world.admin, **shared(world)) == first
    for _ in range(2):
        back = await changed(gateway, "resumePartner", world.owner, **shared(world))
        assert back["partnerProgram"] == first["partnerProgram"] | {"suspendedAt": None}


async def test_a_partner_who_is_no_member_cannot_be_suspended(gateway: Gateway) -> None:
    world = await make_world(gateway)
    foreign = {"partnerId": world.stranger, "programId": world.program}
    for mutation in ("suspendPartner", "resumePartner"):
        assert await refusal(gateway, mutation, world.admin, **foreign) == ("partnerId", "field_invalid")


@pytest.mark.slow
async def test_a_suspended_partner_can_still_read_and_sees_that_it_is_suspended(gateway: Gateway) -> None:
    world = await make_world(gateway)
    await changed(gateway, "suspendPartner", world.owner, partnerId=world.partner, programId=world.program)
    query = "{ partnerPrograms { nodes { suspendedAt } } referralLinks { nodes { status partnerSuspendedAt } } }"
    for token in (world.partner_token, world.owner):
        seen = (await gateway.graphql(query, token=token))["data"]
        assert [each["suspendedAt"] is None for each in seen["partnerPrograms"]["nodes"]].count(False) == 1
        told = {(each["status"], each["partnerSuspendedAt"] is None) for each in seen["referralLinks"]["nodes"]}
        assert ("ACTIVE", False) in told
    query = "query ($is: Boolean) { partnerPrograms(filter: {isSuspended: $is}) { nodes { partner { id } } } }"
    for is_suspended, partners in ((True, {world.partner}), (False, {world.shared})):
        answer = await gateway.graphql(query, {"is": is_suspended}, token=world.owner)
        assert {each["partner"]["id"] for each in answer["data"]["partnerPrograms"]["nodes"]} == partners


@pytest.mark.parametrize(("who", "labels"), [("owner", {"here"}), ("admin", {"here", "everywhere"})])
async def test_suspending_revokes_the_tokens_that_show_the_program_if_asked(
    gateway: Gateway, who: str, labels: set[str]
) -> None:
    world = await make_world(gateway)
    issued = {"here": {"programId": world.program}, "there": {"programId": world.elsewhere}, "everywhere": {}}
    for label, bounds in issued.items():
        token = {"role": "PARTNER", "partnerId": world.shared, "label": label}
        await changed(gateway, "issueToken", world.admin, **token, **bounds)
    token = getattr(world, who)
    await changed(gateway, "suspendPartner", token, **shared(world))
    assert await revoked(gateway) == set()
    await changed(gateway, "suspendPartner", token, **shared(world), revokeTokens=True)
    assert await revoked(gateway) == labels
    await changed(gateway, "resumePartner", token, **shared(world))
    assert await revoked(gateway) == labels


async def revoked(gateway: Gateway) -> set[str]:
    return {row["label"] for row in await gateway.rows(ApiToken) if row["revoked_at"] is not None}


@pytest.mark.slow
async def test_no_click_is_counted_after_its_partner_is_suspended(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for _ in range(10):
        for mutation, counts in (("suspendPartner", False), ("resumePartner", True)):
            before = [asyncio.create_task(gateway.track("SHARED-HERE")) for _ in range(8)]
            assert "errors" not in await change(gateway, mutation, world.owner, **shared(world))
            after = await asyncio.gather(*(gateway.track("SHARED-HERE") for _ in range(4)))
            assert {body_of(answer)["success"] for answer in after} == {counts}
            await asyncio.gather(*before)
    await gateway.recorded()
