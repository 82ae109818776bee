"""Commission rules: what a rule may be, and how a new one ends the former."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from db.schema.commissions import CommissionRule
from graph.query.global_ids import encode_id
from tests.support.admin_mutations import World, changed, make_world, refusal
from tests.support.gateways import Gateway

TENTH = {"event": "SALE", "kind": "PERCENT", "basisPoints": 1000}
FIXED = {"event": "LEAD", "kind": "FIXED", "amount": 500, "currency": "eur"}
WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    ("kind", {"event": "LEAD"}),
    ("basisPoints", {"basisPoints": None}),
    ("basisPoints", {"basisPoints": -1}),
    ("basisPoints", {"basisPoints": 10_001}),
    ("amount", {"amount": 5}),
    ("currency", {"currency": "USD"}),
    ("basisPoints", {"kind": "FIXED", "amount": 5, "currency": "USD"}),
    ("amount", {"kind": "FIXED", "basisPoints": None, "currency": "USD"}),
    ("currency", {"kind": "FIXED", "basisPoints": None, "amount": 5}),
    ("amount", {"kind": "FIXED", "basisPoints": None, "amount": -5, "currency": "USD"}),
    ("amount", {"kind": "FIXED", "basisPoints": None, "amount": 10**12 + 1, "currency": "USD"}),
    ("currency", {"kind": "FIXED", "basisPoints": None, "amount": 5, "currency": "nothing"}),
    ("durationMonths", {"durationMonths": -1}),
    ("durationMonths", {"durationMonths": 1201}),
    ("holdDays", {"holdDays": -1}),
    ("holdDays", {"holdDays": 366}),
    ("productId", {"productId": "x" * 256}),
    ("productId", {"productId": "\0"}),
    ("productId", {"productId": ""}),
    ("partnerId", {"partnerId": "garbage"}),
)


def time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def spans(gateway: Gateway) -> list[tuple[datetime, datetime | None]]:
    """Return when each rule begins and ends, in the order in which they were created."""
    return [(row["effective_from"], row["effective_to"]) for row in await gateway.rows(CommissionRule)]


async def create(gateway: Gateway, world: World, **input: Any) -> dict[str, Any]:
    made = await changed(gateway, "createCommissionRule", world.owner, programId=world.program, **{**TENTH, **input})
    rule: dict[str, Any] = made["commissionRule"]
    return rule


@pytest.mark.slow
async def test_a_rule_is_created_with_its_defaults(gateway: Gateway) -> None:
    world = await make_world(gateway)
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    rule = await create(gateway, world)
    assert before <= datetime.fromisoformat(rule.pop("effectiveFrom")) <= datetime.now(UTC)
    assert rule.pop("id")
    assert rule == {
        **TENTH,
        "amount": None,
        "durationMonths": None,
        "holdDays": 15,
        "approval": "AUTO",
        "productId": None,
        "effectiveTo": None,
        "program": {"id": world.program},
        "partner": None,
    }


@pytest.mark.slow
async def test_a_fixed_rule_has_an_amount(gateway: Gateway) -> None:
    world = await make_world(gateway)
    given = {"partnerId": world.partner, "durationMonths": 0, "holdDays": 0, "approval": "MANUAL", "productId": "p1"}
    made = await changed(gateway, "createCommissionRule", world.owner, programId=world.program, **FIXED, **given)
    rule = made["commissionRule"]
    assert rule["amount"] == {"amount": 500, "currency": "EUR", "formatted": "5.00 EUR"}
    assert rule["basisPoints"] is None
    assert rule["partner"] == {"id": world.partner}
    assert {name: rule[name] for name in ("durationMonths", "holdDays", "approval", "productId")} == {
        name: given[name] for name in ("durationMonths", "holdDays", "approval", "productId")
    }


@pytest.mark.slow
async def test_a_rule_that_makes_no_sense_is_refused(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for field, wrong in WRONG:
        input = {**TENTH, **wrong, "programId": world.program}
        told = await refusal(gateway, "createCommissionRule", world.owner, **input)
        assert told == (field, "field_invalid"), wrong
    stranger = {**TENTH, "programId": world.program, "partnerId": world.stranger}
    assert await refusal(gateway, "createCommissionRule", world.owner, **stranger) == ("partnerId", "field_invalid")
    assert await gateway.rows(CommissionRule) == []


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        ("2026-03-01", [("2026-02-01", "2026-03-01"), ("2026-03-01", None)]),
        # Back-dated: the other one began later, and stays as it is.
        ("2026-01-01", [("2026-02-01", None), ("2026-01-01", "2026-02-01")]),
        # In the place of the other one, which is never in force.
        ("2026-02-01", [("2026-02-01", "2026-02-01"), ("2026-02-01", None)]),
    ],
)
async def test_a_new_rule_ends_the_former_one_when_it_begins(
    gateway: Gateway, begins: str, expected: list[tuple[str, str | None]]
) -> None:
    world = await make_world(gateway)
    await create(gateway, world, effectiveFrom="2026-02-01T00:00:00Z")
    await create(gateway, world, basisPoints=500, effectiveFrom=f"{begins}T00:00:00Z")
    found = await spans(gateway)
    assert found == [(time(start), None if end is None else time(end)) for start, end in expected]


async def test_a_rule_that_is_planned_for_later_still_begins(gateway: Gateway) -> None:
    world = await make_world(gateway)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    await create(gateway, world, effectiveFrom="2026-02-01T00:00:00Z")
    await create(gateway, world, effectiveFrom=later.isoformat())
    await create(gateway, world, effectiveFrom="2026-03-01T00:00:00Z")
    assert await spans(gateway) == [
        (time("2026-02-01"), time("2026-03-01")),
        (later, None),
        (time("2026-03-01"), later),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_rules_follow_each_other_in_whatever_order_they_are_created(gateway: Gateway, seed: int) -> None:
    world, random = await make_world(gateway), Random(seed)
    created: list[tuple[datetime, dict[str, Any]]] = []
    for basis_points in range(1, 10):
        begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=random.randint(-6, 6))
        key = random.choice([{}, {"partnerId": world.partner}])
        await create(gateway, world, basisPoints=basis_points, effectiveFrom=begins.isoformat(), **key)
        created.append((begins, {"basis_points": basis_points, "is_own": bool(key)}))
    rows = await gateway.rows(CommissionRule)
    moments = sorted({moment for begins, _ in created for moment in (begins, begins + timedelta(hours=1))})
    for is_own, moment in product((False, True), moments):
        # The one that began last counts; of those at the same moment, the one that was created last.
        begun = [(begins, one["basis_points"]) for begins, one in created if one["is_own"] is is_own]
        expected = max([each for each in begun if each[0] <= moment], default=(None, None))[1]
        found = [
            row["basis_points"]
            for row in rows
            if (row["partner_id"] is not None) is is_own
            and row["effective_from"] <= moment
            and (row["effective_to"] is None or moment < row["effective_to"])
        ]
        assert found == ([] if expected is None else [expected])


@pytest.mark.slow
async def test_rules_for_others_stay_in_force(gateway: Gateway) -> None:
    world = await make_world(gateway)
    kinds: list[dict[str, Any]] = [
        {},
        {"partnerId": world.partner},
        {"partnerId": world.shared},
        {"productId": "p1"},
        {"productId": "p2"},
        {"partnerId": world.partner, "productId": "p1"},
    ]
    for kind in kinds:
        await create(gateway, world, **kind)
    lead = {**FIXED, "programId": world.program}
    await changed(gateway, "createCommissionRule", world.owner, **lead)
    elsewhere = {**TENTH, "programId": world.elsewhere}
    await changed(gateway, "createCommissionRule", world.foreign_owner, **elsewhere)
    assert [end for _, end in await spans(gateway)] == [None] * 8
    query = "{ commissionRules(filter: {isInForce: true}) { totalCount } }"
    seen = [(await gateway.graphql(query, token=token))["data"] for token in (world.owner, world.partner_token)]
    # The partner sees what applies to it: its own two, those for all partners, and the one for leads.
    assert [each["commissionRules"]["totalCount"] for each in seen] == [7, 6]


async def test_an_ended_rule_stays_ended(gateway: Gateway) -> None:
    world = await make_world(gateway)
    rule = await create(gateway, world, effectiveFrom="2026-02-01T00:00:00Z")
    ends = "2026-03-01T00:00:00Z"
    first = await changed(gateway, "endCommissionRule", world.owner, id=rule["id"], effectiveTo=ends)
    assert first["commissionRule"]["effectiveTo"] == ends
    assert await changed(gateway, "endCommissionRule", world.owner, id=rule["id"]) == first
    earlier = await changed(
        gateway, "endCommissionRule", world.owner, id=rule["id"], effectiveTo="2026-01-01T00:00:00Z"
    )
    assert earlier["commissionRule"]["effectiveTo"] == rule["effectiveFrom"], "it never was in force"
    for id in (encode_id("CommissionRule", 99_999), encode_id("Program", 1), "garbage"):
        field, _ = await refusal(gateway, "endCommissionRule", world.owner, id=id)
        assert field == "id"
    assert await refusal(gateway, "endCommissionRule", world.foreign_owner, id=rule["id"]) == ("id", "unknown_rule")


@pytest.mark.slow
async def test_of_rules_created_at_once_one_is_in_force(gateway: Gateway) -> None:
    world = await make_world(gateway)
    await asyncio.gather(*(create(gateway, world, basisPoints=number) for number in range(8)))
    assert [end for _, end in await spans(gateway)].count(None) == 1
