"""Replays: a click sent again with its `event_id` is answered like the first one and recorded once."""

import asyncio
from collections import Counter
from contextlib import nullcontext
from typing import Any

import pytest

from tests.support.click_apis import both_apis, graphql
from tests.support.gateways import Gateway, body_of, running_gateway


async def answered(gateway: Gateway, event_id: str | None, code: str = "PARTNER123", **fields: Any) -> dict[str, Any]:
    answer = await gateway.track(code, event_id=event_id, **fields)
    assert answer.status_code == 200
    body: dict[str, Any] = body_of(answer)
    return body


@pytest.mark.slow
@both_apis
async def test_a_repeated_click_is_answered_alike_and_recorded_once(gateway: Gateway) -> None:
    await gateway.link()
    first = await answered(gateway, "event-1", page_title="first")
    before = await gateway.events(), await gateway.customers(), await gateway.memberships(), await gateway.link_row()
    assert [await answered(gateway, "event-1", page_title="again") for _ in range(3)] == [first] * 3
    assert before == (
        await gateway.events(),
        await gateway.customers(),
        await gateway.memberships(),
        await gateway.link_row(),
    )
    assert (await gateway.link_row())["clicks"] == await gateway.recorded() == 1


@both_apis
async def test_event_ids_are_compared_exactly(gateway: Gateway) -> None:
    await gateway.link()
    different = [
        "event",
        "EVENT",
        "event ",
        " event",
        "évent",
        "e\u0301vent",
        "\uff45vent",
        "event\u200b",
        "%vent",
        "e_ent",
    ]
    answers = [await answered(gateway, event_id) for event_id in different]
    assert len({answer["click_id"] for answer in answers}) == await gateway.recorded() == len(different)


@pytest.mark.slow
@both_apis
async def test_replays_in_one_batch_are_recorded_once(gateway: Gateway) -> None:
    await gateway.link()
    sent = ["a", "b", "c"] * 8 + [None] * 8
    async with gateway.held():
        waiting = [asyncio.create_task(answered(gateway, event_id)) for event_id in sent]
        await asyncio.sleep(0.3)
    answers = await asyncio.gather(*waiting)
    given = Counter((event_id, body["click_id"]) for event_id, body in zip(sent, answers, strict=True))
    assert sorted(given.values()) == [1] * 8 + [8] * 3
    assert len(await gateway.customers()) == (await gateway.link_row())["clicks"] == await gateway.recorded() == 11


async def test_a_replay_after_a_restart_through_the_other_api_is_answered_alike(database_url: str) -> None:
    async with running_gateway(database_url, graphql) as gateway:
        await gateway.link()
        first = await answered(gateway, "event-1")
    async with running_gateway(database_url) as gateway:
        assert await answered(gateway, "event-1") == first
        assert await answered(gateway, "event-2") != first
        assert await gateway.recorded() == 2


@pytest.mark.slow
async def test_a_replay_at_another_gateway_at_the_same_time_is_recorded_once(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url, graphql) as other:
        await gateway.link()
        sent = [str(number // 6) for number in range(60)]
        answers = await asyncio.gather(
            *(answered((gateway, other)[number % 2], event_id) for number, event_id in enumerate(sent))
        )
        given = {(event_id, body["click_id"]) for event_id, body in zip(sent, answers, strict=True)}
        assert len(given) == len({click_id for _, click_id in given}) == 10
        assert len(await gateway.customers()) == await gateway.recorded() == 10


@both_apis
async def test_a_replay_through_another_link_of_the_program_is_the_first_click(gateway: Gateway) -> None:
    program = await gateway.program()
    await gateway.link("FIRST", program=program)
    await gateway.link("SECOND", program=program)
    first = await answered(gateway, "event-1", "FIRST")
    assert first["partner_code"] == "FIRST"
    assert await answered(gateway, "event-1", "SECOND") == first
    assert [(await gateway.link_row(code))["clicks"] for code in ("FIRST", "SECOND")] == [1, 0]
    assert await gateway.recorded() == 1


@pytest.mark.slow
@both_apis
async def test_the_same_event_id_in_two_programs_is_two_clicks(gateway: Gateway) -> None:
    await gateway.link("FIRST")
    await gateway.link("SECOND")
    async with gateway.held():
        both = [asyncio.create_task(answered(gateway, "event-1", code)) for code in ("FIRST", "SECOND")]
        await asyncio.sleep(0.1)
    first, second = await asyncio.gather(*both)
    assert [first["partner_code"], second["partner_code"]] == ["FIRST", "SECOND"]
    assert first["click_id"] != second["click_id"]
    assert [await answered(gateway, "event-1", code) for code in ("FIRST", "SECOND")] == [first, second]
    assert await gateway.recorded() == 2


@pytest.mark.slow
@both_apis
@pytest.mark.parametrize("together", [False, True], ids=["later", "together"])
async def test_a_replay_that_names_another_customer_does_not_change_that_customer(
    gateway: Gateway, together: bool
) -> None:
    program = await gateway.program()
    await gateway.link("FIRST", program=program)
    await gateway.link("SECOND", program=program)
    named = (await answered(gateway, None, "FIRST"))["click_id"]
    before = await gateway.customers()
    async with gateway.held() if together else nullcontext():
        first = asyncio.create_task(answered(gateway, "event-1", "SECOND"))
        await asyncio.sleep(0.2)
        again = asyncio.create_task(answered(gateway, "event-1", "SECOND", existing_click_id=named))
        await asyncio.sleep(0.2)
    assert await again == await first
    assert (await again)["click_id"] != named
    assert (await gateway.customers())[0] == before[0]
    assert len(await gateway.customers()) == await gateway.recorded() == 2


@both_apis
async def test_a_replay_of_a_returning_customers_click_keeps_the_customer(gateway: Gateway) -> None:
    await gateway.link()
    click_id = (await answered(gateway, None))["click_id"]
    for existing in (click_id, None, "cust_1_1"):
        assert (await answered(gateway, "event-1", existing_click_id=existing))["click_id"] == click_id
    assert await gateway.recorded() == 2


@both_apis
async def test_a_refused_click_leaves_its_event_id_free(gateway: Gateway) -> None:
    program = await gateway.program()
    await gateway.link("PARTNER123", program=program)
    await gateway.link("PAUSED", program=program, status="inactive")
    assert (await answered(gateway, "event-1", "PAUSED"))["success"] is False
    assert (await gateway.track(event_id="event-1", page_url=5)).status_code == 400
    assert (await answered(gateway, "event-1"))["success"] is True
    assert await gateway.recorded() == 1
