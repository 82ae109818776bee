"""Customers: `existing_click_id` identifies a returning customer, but only in the link's program."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from db.schema.customers import Customer
from tests.support.click_apis import both_apis
from tests.support.gateways import Gateway, body_of

OF_THE_LAST_CLICK = {"updated_at", "partner_id", "link_id", "last_click_at"}


async def clicked(gateway: Gateway, code: str = "PARTNER123", **fields: Any) -> str:
    answer = await gateway.track(code, **fields)
    assert answer.status_code == 200
    return str(body_of(answer)["click_id"])


async def two_links(gateway: Gateway) -> tuple[dict[str, Any], dict[str, Any]]:
    """Create links of two partners in one program."""
    program = await gateway.program()
    return await gateway.link("PARTNER123", program=program), await gateway.link("SECOND", program=program)


@both_apis
async def test_a_returning_customer_keeps_the_click_id_and_the_last_partner_wins(gateway: Gateway) -> None:
    _, second = await two_links(gateway)
    click_id = await clicked(gateway)
    (before,) = await gateway.customers()
    assert await clicked(gateway, "SECOND", existing_click_id=click_id) == click_id
    (after,) = await gateway.customers()
    (_, event) = await gateway.events()
    assert {name for name in before if before[name] != after[name]} == OF_THE_LAST_CLICK
    assert (after["partner_id"], after["link_id"]) == (second["partner_id"], second["id"])
    assert after["last_click_at"] == event["occurred_at"] > before["last_click_at"]
    assert (event["customer_id"], event["click_id"], event["existing_click_id"]) == (before["id"], click_id, click_id)
    assert (event["link_id"], event["partner_id"]) == (second["id"], second["partner_id"])
    assert await gateway.recorded() == 2


@both_apis
async def test_a_returning_customer_through_the_same_link_counts_again(gateway: Gateway) -> None:
    await gateway.link()
    click_id = await clicked(gateway)
    assert [await clicked(gateway, existing_click_id=click_id) for _ in range(3)] == [click_id] * 3
    assert len(await gateway.customers()) == 1
    assert (await gateway.link_row())["clicks"] == await gateway.recorded() == 4


@both_apis
async def test_a_customers_status_is_not_set_back_by_a_click(gateway: Gateway) -> None:
    await gateway.link()
    click_id = await clicked(gateway)
    await gateway.execute(update(Customer).values(customer_status="sale"))
    await clicked(gateway, existing_click_id=click_id)
    (customer,) = await gateway.customers()
    assert customer["customer_status"] == "sale"


@pytest.mark.slow
@both_apis
async def test_a_customer_of_another_program_is_unchanged(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    await gateway.link("ELSEWHERE")
    click_id = await clicked(gateway)
    before = await gateway.customers()
    other = await clicked(gateway, "ELSEWHERE", existing_click_id=click_id)
    assert other != click_id
    (stranger,) = [row for row in await gateway.customers() if row["click_id"] == other]
    assert [row for row in await gateway.customers() if row["click_id"] != other] == before
    assert stranger["id"] != before[0]["id"]
    assert (await gateway.events())[-1]["existing_click_id"] == click_id
    assert await gateway.recorded() == 2


@pytest.mark.slow
@both_apis
async def test_an_unknown_click_id_creates_a_customer_and_is_stored_as_sent(gateway: Gateway) -> None:
    await gateway.link()
    click_id = await clicked(gateway)
    _, number, milliseconds = click_id.split("_")
    named = [
        f"cust_{number}_{int(milliseconds) + 1}",
        f"cust_{number}_{int(milliseconds) - 1}",
        f"cust_{number}_0{milliseconds}",
        f"cust_0{number}_{milliseconds}",
        f"cust_{int(number) + 500}_{milliseconds}",
        f" {click_id}",
        f"{click_id}\n",
        click_id.upper(),
        f"cust_{number}",
        f"cust_{number}_",
        f"cust_-{number}_{milliseconds}",
        f"cust_+{number}_{milliseconds}",
        f"cust_{number}.0_{milliseconds}",
        f"cust_٣_{milliseconds}",
        f"cust_{2**63}_{milliseconds}",
        f"cust_{'9' * 18}_{milliseconds}",
        f"cust_{'9' * 100}_{milliseconds}",
        "cust__",
        "' OR 1=1 --",
        "%",
        "",
    ]
    answered = [await clicked(gateway, existing_click_id=existing) for existing in named]
    assert click_id not in answered
    assert len(set(answered)) == len(named)
    assert [event["existing_click_id"] for event in await gateway.events()] == [None, *named]
    assert len(await gateway.customers()) == await gateway.recorded() == len(named) + 1


@pytest.mark.slow
@both_apis
async def test_returning_customers_in_one_batch_keep_their_last_click(gateway: Gateway) -> None:
    await two_links(gateway)
    customers = [await clicked(gateway) for _ in range(3)]
    codes = ["PARTNER123", "SECOND"]
    async with gateway.held():
        # The order of the event ids differs from that of the clicks.
        waiting = [
            asyncio.create_task(
                clicked(gateway, codes[n % 2], existing_click_id=customers[n % 3], event_id=f"event {99 - n}")
            )
            for n in range(18)
        ]
        waiting += [asyncio.create_task(clicked(gateway, codes[n % 2])) for n in range(6)]
        await asyncio.sleep(0.3)
    answered = await asyncio.gather(*waiting)
    assert answered[:18] == [customers[n % 3] for n in range(18)]
    assert len({*answered}) == 9
    assert await gateway.recorded() == 27
    last = {event["customer_id"]: event for event in sorted(await gateway.events(), key=lambda row: row["occurred_at"])}
    for customer in await gateway.customers():
        event = last[customer["id"]]
        assert [customer[name] for name in ("last_click_at", "link_id", "partner_id")] == [
            event[name] for name in ("occurred_at", "link_id", "partner_id")
        ]
