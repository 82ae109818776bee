"""Leads: what is refused, in which order, what is answered, and what is stored."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from db.schema.conversions import ConversionTestEvent, LeadEvent
from db.schema.customers import Customer
from tests.support.captured_log import Log
from tests.support.conversion_apis import conversion_apis, error_of
from tests.support.gateways import Gateway, body_of
from tests.support.merchants import Merchant, each, make_merchant
from tests.support.unclassified_fault import unforeseen

REQUIRED = "click_id or customer_key is required"
NOT_FOUND = "Customer not found. Provide a valid click_id or customer_key."
FOREIGN = "Customer does not belong to this program"
CONVERTED = "Customer status cannot be updated to lead. Current status: conversion"
TRACKED = {"success": True, "message": "Lead tracked successfully"}
NOBODYS = "cust_999999_1715000000000"
WRONG = [
    *each("email session_id page_url", 5, True, [], {}, 1.5),
    *each("click_ids", "x", 5, {}, [5], ["x", None], ["x"] * 21),
    *each("additional_data", "x", 5, []),
    *each("customer_key", 5, True, [], "x" * 256, "a\0b"),
    ("email", "x" * 321),
]
WRONG_NAMES: list[Any] = [5, True, [], {}, "x" * 256, "a\0b"]


async def leads(gateway: Gateway) -> list[dict[str, Any]]:
    return await gateway.rows(LeadEvent)


@conversion_apis
async def test_a_lead_that_names_no_customer_is_refused(merchant: Merchant) -> None:
    empty: list[dict[str, Any]] = [{}, {"click_id": "", "customer_key": ""}, {"click_ids": []}, {"click_ids": ["", ""]}]
    for fields in (*empty, {"click_id": None}, {"email": "alice@example.com"}):
        for by_server in (False, True):
            assert error_of(await merchant.lead(by_server=by_server, **fields)) == REQUIRED
    assert await leads(merchant.gateway) == []


@conversion_apis
async def test_a_lead_of_an_unknown_customer_is_refused(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    for named in (NOBODYS, f"{click_id}0", click_id[:-1], click_id.upper(), f" {click_id}", "x" * 5000, "a\0b", "\0"):
        for by_server in (False, True):
            assert error_of(await merchant.lead(by_server=by_server, click_id=named)) == NOT_FOUND
            assert error_of(await merchant.lead(by_server=by_server, click_ids=[named, NOBODYS])) == NOT_FOUND
    for by_server in (False, True):
        assert error_of(await merchant.lead(by_server=by_server, customer_key="user_1")) == NOT_FOUND
    assert await leads(merchant.gateway) == []


async def test_a_server_may_only_send_leads_of_its_own_customers(merchant: Merchant) -> None:
    other = await make_merchant(merchant.gateway, "OTHER")
    foreign = await other.visitor()
    assert error_of(await merchant.lead(by_server=True, click_id=foreign)) == FOREIGN
    assert error_of(await merchant.lead(by_server=True, click_id=foreign, email=5)) == FOREIGN
    assert body_of(await merchant.lead(click_id=foreign)) == TRACKED
    assert [row["program_id"] for row in await leads(merchant.gateway)] == [other.program_id]


async def test_a_customer_who_has_bought_is_no_lead(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    assert (await merchant.sale(click_id=click_id)).status_code == 200
    for fields in ({}, {"email": 5}, {"additional_data": {"event_name": "x" * 256}}):
        assert error_of(await merchant.lead(click_id=click_id, **fields)) == CONVERTED


async def test_an_invalid_field_is_named(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    for by_server in (False, True):
        for field, wrong in WRONG:
            assert field in error_of(await merchant.lead(by_server=by_server, click_id=click_id, **{field: wrong}))
        for wrong in WRONG_NAMES:
            data = {"event_name": wrong}
            answer = await merchant.lead(by_server=by_server, click_id=click_id, additional_data=data)
            assert "event_name" in error_of(answer)
    assert await leads(merchant.gateway) == []


async def test_the_customer_is_checked_before_other_fields(merchant: Merchant) -> None:
    for field, wrong in WRONG:
        assert error_of(await merchant.lead(**{field: wrong})) in (REQUIRED, NOT_FOUND), (field, wrong)
        assert error_of(await merchant.lead(**{"click_id": NOBODYS, field: wrong})) == NOT_FOUND


@conversion_apis
async def test_a_lead_is_recorded_with_what_it_was_sent_with(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    answer = await merchant.lead(
        click_id=click_id,
        customer_key="user_1",
        email=" Alice@Example.com ",
        session_id="s" * 200,
        page_url="https://yoursite.com/\0signup",
        additional_data={"plan": "pro", "note": "a\0b", "test_mode": False, "program_id": 7},
    )
    assert (answer.status_code, body_of(answer)) == (200, TRACKED)
    (row,) = await leads(merchant.gateway)
    assert (row["event_name"], row["session_id"]) == ("signup", "s" * 128)
    assert row["page_url"] == "https://yoursite.com/signup"
    assert json.loads(row["additional_data"]) == {"plan": "pro", "note": "ab"}
    assert None not in (row["partner_id"], row["link_id"], row["click_event_id"], row["confirmed_at"])
    customer = await merchant.customer(click_id)
    assert (customer["customer_status"], customer["customer_key"]) == ("lead", "user_1")
    assert customer["email_mask"] == "a***@example.com"
    assert len(customer["email_digest"]) == 64
    link = await merchant.gateway.link_row()
    assert link["leads"] == 1


@conversion_apis
async def test_an_email_address_is_neither_stored_nor_logged(merchant: Merchant, log: Log) -> None:
    click_id, address = await merchant.visitor(), "very.unusual.name@example.com"
    await merchant.lead(click_id=click_id, email=address)
    await merchant.lead(email=address, additional_data={"test_mode": True})
    await merchant.lead(click_id=NOBODYS, email=address)
    rows = await merchant.gateway.rows(Customer), await leads(merchant.gateway)
    tests = await merchant.gateway.rows(ConversionTestEvent)
    await merchant.lead(click_id=click_id, email=address, page_url=5)
    table, column = "affiliate_lead_events", "page_url"
    fault = unforeseen(table, is_sqlite=merchant.gateway.store.is_sqlite, column=column, type_="text")
    await merchant.gateway.execute(text(fault.breaks))
    data = {"event_name": "another"}
    answer = await merchant.lead(click_id=click_id, email=address, page_url="x", additional_data=data)
    await merchant.gateway.execute(text(fault.mends))
    assert answer.status_code == 500
    assert fault.word in log.text
    assert "very.unusual" not in f"{rows} {tests} {log.text}".lower()
    assert json.loads(tests[0]["body"])["email"] == "v***@example.com"


@conversion_apis
async def test_a_key_and_a_digest_are_set_once(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    await merchant.lead(click_id=click_id, customer_key="user_1", email="alice@example.com")
    before = await merchant.customer(click_id)
    data = {"event_name": "trial"}
    await merchant.lead(click_id=click_id, customer_key="user_2", email="bob@example.com", additional_data=data)
    after = await merchant.customer(click_id)
    for column in ("customer_key", "email_digest", "email_mask"):
        assert after[column] == before[column]


@conversion_apis
async def test_an_event_is_recorded_once_for_each_customer(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    for name in ("signup", None, "", "trial", "trial"):
        answer = await merchant.lead(click_id=click_id, additional_data={"event_name": name})
        assert (answer.status_code, body_of(answer)) == (200, TRACKED)
    assert sorted(row["event_name"] for row in await leads(merchant.gateway)) == ["signup", "trial"]
    assert (await merchant.gateway.link_row())["leads"] == 2


@conversion_apis
async def test_the_first_click_id_that_names_a_customer_counts(merchant: Merchant) -> None:
    first, second = await merchant.visitor(), await merchant.visitor()
    candidates = [NOBODYS, "nonsense", "a\0b", *[f"cust_{id}_1" for id in range(10**9, 10**9 + 15)], first, second]
    assert len(candidates) == 20
    assert body_of(await merchant.lead(click_ids=candidates)) == TRACKED
    (row,) = await leads(merchant.gateway)
    assert row["customer_id"] == (await merchant.customer(first))["id"]
    assert body_of(await merchant.lead(click_id=second, click_ids=[first])) == TRACKED
    assert (await merchant.customer(second))["customer_status"] == "lead"


@pytest.mark.slow
@conversion_apis
async def test_a_known_key_beats_a_cookie(merchant: Merchant) -> None:
    known, cookie = await merchant.visitor(), await merchant.visitor()
    await merchant.lead(click_id=known, customer_key="user_1")
    for by_server in (False, True):
        data = {"event_name": f"by server {by_server}"}
        sent = {"click_id": cookie, "customer_key": "user_1", "additional_data": data}
        assert body_of(await merchant.lead(by_server=by_server, **sent)) == TRACKED
    customer_ids = {row["customer_id"] for row in await leads(merchant.gateway)}
    assert customer_ids == {(await merchant.customer(known))["id"]}
    assert (await merchant.customer(cookie))["customer_status"] == "click"


@conversion_apis
async def test_a_server_may_name_a_customer_by_key_alone(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    await merchant.lead(click_id=click_id, customer_key="user_1")
    data = {"event_name": "trial"}
    assert body_of(await merchant.lead(by_server=True, customer_key="user_1", additional_data=data)) == TRACKED
    assert error_of(await merchant.lead(customer_key="user_1", additional_data=data)) == NOT_FOUND


async def test_test_mode_needs_nothing_and_comes_first(merchant: Merchant) -> None:
    data = {"test_mode": True, "program_id": str(merchant.program_id)}
    answer = await merchant.lead(email=5, click_ids=["x"] * 30, customer_key="x" * 300, additional_data=data)
    (event,) = await merchant.gateway.rows(ConversionTestEvent)
    assert answer.status_code == 200
    assert body_of(answer) == {
        "success": True,
        "message": "Test lead event tracked successfully",
        "data": {"eventId": event["id"], "programId": merchant.program_id, "test_mode": True},
    }
    assert (event["kind"], event["program_id"]) == ("lead", merchant.program_id)
    assert await leads(merchant.gateway) == []


@pytest.mark.slow
@conversion_apis
async def test_a_test_lead_belongs_to_the_program_that_it_or_its_token_names(merchant: Merchant) -> None:
    other = (await make_merchant(merchant.gateway, "OTHER")).program_id
    mine = merchant.program_id
    cases = [(False, None, None), (False, mine, mine), (False, other, other), (True, None, mine), (True, mine, mine)]
    for by_server, named, expected in cases:
        data = {"test_mode": True, "program_id": named}
        body = body_of(await merchant.lead(by_server=by_server, additional_data=data))
        assert body["data"]["programId"] == expected
    wrong_programs: list[tuple[bool, Any]] = [
        (True, other),
        (False, 999_999),
        (True, 999_999),
        (False, "x"),
        (False, True),
    ]
    for by_server, wrong in wrong_programs:
        data = {"test_mode": True, "program_id": wrong}
        assert error_of(await merchant.lead(by_server=by_server, additional_data=data)) == "Program not found"


@pytest.mark.slow
@pytest.mark.parametrize("almost", [1, "true", None, False, [True], {}])
async def test_only_true_enables_test_mode(merchant: Merchant, almost: Any) -> None:
    assert error_of(await merchant.lead(additional_data={"test_mode": almost})) == REQUIRED
