"""Who may change what: each mutation with each role, and nothing lets an owner reach beyond its program."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from db.schema.commissions import Commission, CommissionRule, Payout
from db.schema.conversions import Sale
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.sessions import SignInLink
from db.schema.tokens import ApiToken
from graph.query.global_ids import encode_id
from tests.support import conversion_rows
from tests.support.admin_mutations import TOLD, World, change, changed, make_world, refusal
from tests.support.gateways import Gateway

pytestmark = pytest.mark.slow

NOBODYS = 99999
HELD = timedelta(days=10_000)
OF_ADMINISTRATORS = {"createProgram"}
NOWHERE = {"url": "http://127.0.0.1:9/", "origin": "http://127.0.0.1:8000"}
GARBAGE: dict[str, dict[str, Any]] = {
    "createProgram": {"name": ""},
    "updateProgram": {"id": "garbage"},
    "createPartner": {"name": "", "programId": "garbage"},
    "updatePartner": {"id": "garbage", "name": ""},
    "addPartnerToProgram": {"partnerId": "garbage", "programId": ""},
    "suspendPartner": {"partnerId": "garbage", "programId": ""},
    "resumePartner": {"partnerId": "garbage", "programId": ""},
    "createReferralLink": {"code": "", "programId": "garbage", "partnerId": "garbage"},
    "updateReferralLink": {"id": "garbage", "code": ""},
    "issueToken": {"role": "PARTNER", "partnerId": "garbage"},
    "createSignInLink": {"partnerId": "garbage", "validDays": 0},
    "updateToken": {"id": "garbage", "label": ""},
    "revokeToken": {"id": "garbage"},
    "createCommissionRule": {"programId": "garbage", "event": "LEAD", "kind": "PERCENT"},
    "endCommissionRule": {"id": "garbage"},
    "approveCommissions": {"ids": ["garbage"]},
    "rejectCommission": {"id": "garbage", "reason": ""},
    "rejectCommissions": {"ids": ["garbage"], "reason": ""},
    "recordPayout": {"programId": "garbage", "partnerId": "garbage", "currency": ""},
    "startInstallationCheck": {"programId": "garbage", "url": "", "origin": ""},
    "runTestConversion": {"programId": "garbage"},
}


async def good_inputs(gateway: Gateway, world: World) -> Mapping[str, dict[str, Any]]:
    """Return for each mutation an input with which the owner of the first program may try it."""
    issued = await changed(gateway, "issueToken", world.owner, role="PARTNER", partnerId=world.partner)
    await gateway.track("HERE")
    (customer,), (click,) = await gateway.customers(), await gateway.events()
    rule = conversion_rows.rule(customer["program_id"])
    sold = [conversion_rows.sale({**customer, "bound_event_id": click["id"]}) for _ in range(4)]
    earned = [
        conversion_rows.commission(sale, rule["id"], hold_until=sale["occurred_at"] + hold)
        for sale, hold in zip(sold, (timedelta(0), HELD, HELD, HELD), strict=True)
    ]
    rows: dict[type, list[dict[str, Any]]] = {CommissionRule: [rule], Sale: sold, Commission: earned}
    await conversion_rows.insert_conversions(gateway.store, rows)
    _, pending, unwanted, useless = (encode_id("Commission", each["program_id"], each["id"]) for each in earned)
    return {
        "createCommissionRule": {
            "programId": world.program,
            "productId": "New",
            "event": "SALE",
            "kind": "PERCENT",
            "basisPoints": 1,
        },
        "endCommissionRule": {"id": encode_id("CommissionRule", rule["id"])},
        "approveCommissions": {"ids": [pending]},
        "rejectCommission": {"id": unwanted, "reason": "A test order"},
        "rejectCommissions": {"ids": [useless], "reason": "A test order"},
        "recordPayout": {"programId": world.program, "partnerId": world.partner, "currency": "USD"},
        "startInstallationCheck": {"programId": world.program, **NOWHERE},
        "runTestConversion": {"programId": world.program},
        "createProgram": {"name": "New"},
        "updateProgram": {"id": world.program, "name": "Changed"},
        "createPartner": {"name": "New", "programId": world.program},
        "updatePartner": {"id": world.partner, "name": "Changed"},
        "addPartnerToProgram": {"partnerId": world.partner, "programId": world.program},
        "suspendPartner": {"partnerId": world.partner, "programId": world.program},
        "resumePartner": {"partnerId": world.partner, "programId": world.program},
        "createReferralLink": {"code": "NEW", "programId": world.program, "partnerId": world.partner},
        "updateReferralLink": {"id": world.link, "status": "INACTIVE"},
        "issueToken": {"role": "PARTNER", "partnerId": world.partner, "programId": world.program},
        "createSignInLink": {"partnerId": world.partner},
        "updateToken": {"id": issued["apiToken"]["id"], "label": "Changed"},
        "revokeToken": {"id": issued["apiToken"]["id"]},
    }


async def everything(gateway: Gateway) -> list[Any]:
    """Return the rows that changes are about."""
    tables = (Program, Partner, PartnerProgram, ReferralLink, ApiToken, SignInLink, CommissionRule, Commission, Payout)
    return [[{**row, "last_used_at": None} for row in await gateway.rows(table)] for table in tables]


async def test_an_administrator_may_do_everything(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for mutation, input in (await good_inputs(gateway, world)).items():
        payload = await changed(gateway, mutation, world.admin, **input)
        assert all(payload.values()), mutation


async def test_an_owner_manages_the_program_but_creates_none(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for mutation, input in (await good_inputs(gateway, world)).items():
        if mutation in OF_ADMINISTRATORS:
            assert await refusal(gateway, mutation, world.owner, **input) == (None, "FORBIDDEN")
        else:
            payload = await changed(gateway, mutation, world.owner, **input)
            assert all(payload.values()), mutation


async def test_neither_partners_nor_trackers_nor_anonymous_callers_may_change_anything(gateway: Gateway) -> None:
    world = await make_world(gateway)
    good = await good_inputs(gateway, world)
    before = await everything(gateway)
    for mutation in TOLD:
        for input in (good[mutation], GARBAGE[mutation]):
            for token in (world.partner_token, world.tracking_token):
                assert await refusal(gateway, mutation, token, **input) == (None, "FORBIDDEN")
            assert await refusal(gateway, mutation, None, **input) == (None, "UNAUTHENTICATED")
    assert await everything(gateway) == before


async def test_rows_out_of_scope_are_treated_as_missing(gateway: Gateway) -> None:
    world = await make_world(gateway)
    foreign = await changed(gateway, "issueToken", world.admin, role="PARTNER", partnerId=world.stranger)
    unissued = await changed(gateway, "issueToken", world.admin, role="PARTNER", partnerId=world.partner)
    kinds = ("Program", "Partner", "ReferralLink", "ApiToken", "CommissionRule")
    nobody = {kind: encode_id(kind, NOBODYS) for kind in kinds}
    rule: dict[str, Any] = {"event": "SALE", "kind": "PERCENT", "basisPoints": 1}
    made = await changed(gateway, "createCommissionRule", world.admin, programId=world.elsewhere, **rule)
    foreign_rule = made["commissionRule"]["id"]
    tries: list[tuple[str, str, list[str], dict[str, Any]]] = [
        ("updateProgram", "id", [world.elsewhere, nobody["Program"]], {"name": "Mine"}),
        ("updateProgram", "id", [world.elsewhere, nobody["Program"]], {}),
        ("createPartner", "programId", [world.elsewhere, nobody["Program"]], {"name": "New"}),
        ("addPartnerToProgram", "partnerId", [world.stranger, nobody["Partner"]], {"programId": world.program}),
        ("addPartnerToProgram", "programId", [world.elsewhere, nobody["Program"]], {"partnerId": world.partner}),
        *(
            tried
            for mutation in ("suspendPartner", "resumePartner")
            for tried in (
                (mutation, "partnerId", [world.stranger, nobody["Partner"]], {"programId": world.program}),
                (mutation, "programId", [world.elsewhere, nobody["Program"]], {"partnerId": world.shared}),
            )
        ),
        (
            "createReferralLink",
            "programId",
            [world.elsewhere, nobody["Program"]],
            {"partnerId": world.stranger, "code": "X"},
        ),
        (
            "createReferralLink",
            "partnerId",
            [world.stranger, nobody["Partner"]],
            {"programId": world.program, "code": "X"},
        ),
        ("updateReferralLink", "id", [world.foreign_link, nobody["ReferralLink"]], {"code": "MINE"}),
        ("updateReferralLink", "id", [world.foreign_link, nobody["ReferralLink"]], {}),
        ("issueToken", "partnerId", [world.stranger, nobody["Partner"]], {"role": "PARTNER"}),
        (
            "issueToken",
            "programId",
            [world.elsewhere, nobody["Program"]],
            {"role": "PARTNER", "partnerId": world.shared},
        ),
        ("createSignInLink", "partnerId", [world.stranger, nobody["Partner"]], {}),
        ("createSignInLink", "programId", [world.elsewhere, nobody["Program"]], {"partnerId": world.shared}),
        ("createCommissionRule", "programId", [world.elsewhere, nobody["Program"]], rule),
        (
            "createCommissionRule",
            "partnerId",
            [world.stranger, nobody["Partner"]],
            {"programId": world.program, **rule},
        ),
        ("endCommissionRule", "id", [foreign_rule, nobody["CommissionRule"]], {}),
        (
            "recordPayout",
            "programId",
            [world.elsewhere, nobody["Program"]],
            {"partnerId": world.stranger, "currency": "USD"},
        ),
        (
            "recordPayout",
            "partnerId",
            [world.stranger, nobody["Partner"]],
            {"programId": world.program, "currency": "USD"},
        ),
        ("startInstallationCheck", "programId", [world.elsewhere, nobody["Program"]], NOWHERE),
        ("runTestConversion", "programId", [world.elsewhere, nobody["Program"]], {}),
        ("updatePartner", "id", [world.stranger, nobody["Partner"]], {"name": "Mine"}),
        (
            "updateToken",
            "id",
            [foreign["apiToken"]["id"], unissued["apiToken"]["id"], nobody["ApiToken"]],
            {"label": "Mine"},
        ),
        ("revokeToken", "id", [foreign["apiToken"]["id"], unissued["apiToken"]["id"], nobody["ApiToken"]], {}),
    ]
    before = await everything(gateway)
    for mutation, field, ids, others in tries:
        answers = [await change(gateway, mutation, world.owner, **others, **{field: id}) for id in ids]
        (told,) = answers[0]["data"][mutation]["userErrors"]
        assert told["field"] == field, mutation
        assert all(answer["data"] == answers[0]["data"] for answer in answers), mutation
    assert await everything(gateway) == before


async def test_an_owner_changes_a_partner_only_while_it_is_in_no_other_program(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for name in ("Mine", "Mine again"):
        assert (await changed(gateway, "updatePartner", world.owner, id=world.partner, name=name))["partner"][
            "name"
        ] == name
    before = await everything(gateway)
    assert await refusal(gateway, "updatePartner", world.owner, id=world.shared, name="Mine") == (None, "FORBIDDEN")
    assert await everything(gateway) == before


async def test_a_partner_created_by_an_owner_joins_the_program(gateway: Gateway) -> None:
    world = await make_world(gateway)
    made = await changed(gateway, "createPartner", world.owner, name="New", email="new@example.com")
    assert made["partnerProgram"] == {"program": {"id": world.program}, "partner": {"id": made["partner"]["id"]}}
    assert made["partner"]["email"] is None, "a program knows its partners by name"
    free = await changed(gateway, "createPartner", world.admin, name="New", email="new@example.com")
    assert (free["partnerProgram"], free["partner"]["email"]) == (None, "new@example.com")
