"""Successful clicks: the response, the stored rows and the counters."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.click_apis import both_apis
from tests.support.gateways import Gateway, body_of

SEED_EXAMPLE: dict[str, Any] = {
    "affiliate_url": "https://yoursite.com/pricing?aff=PARTNER123",
    "page_url": "https://yoursite.com/pricing",
    "page_title": "Pricing — YourSite",
    "referrer_url": "https://blog.example.com/post",
    "session_id": "sess_abc123",
    "screen_resolution": "1920x1080",
    "viewport_size": "1280x800",
    "language": "en-US",
    "timezone": "America/New_York",
}
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ON_THE_IPHONE = {
    "user_agent": IPHONE,
    "is_bot": False,
    "device_type": "mobile",
    "device_brand": "Apple",
    "device_model": "iPhone",
    "os": "iOS",
    "os_version": "17.5",
    "browser": "Mobile Safari",
    "browser_version": "17.5",
}
REFERRER_HOSTS = {
    "https://Blog.Example.COM:8443/post?a=b#c": "blog.example.com",
    "https://bücher.example/": "xn--bcher-kva.example",
    "https://user:secret@news.example/x": "news.example",
    "http://[2001:DB8::1]:80/": "[2001:db8::1]",
    "android-app://com.google.android.gm/": "com.google.android.gm",
    "about:blank": None,
    "blog.example.com/post": None,
    "": None,
}


def part(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in like}


@both_apis
async def test_the_documented_example_is_answered_as_documented(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    answer = await gateway.track(None, **SEED_EXAMPLE)
    assert answer.status_code == 200
    body = body_of(answer)
    assert re.fullmatch(r"cust_[1-9][0-9]*_[0-9]{13}", body.pop("click_id"))
    assert body == {"success": True, "partner_code": "PARTNER123", "cookie_window_days": 60}


@both_apis
async def test_every_field_is_stored_on_the_event(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    answer = await gateway.track(None, **SEED_EXAMPLE)
    (event,) = await gateway.events()
    assert {name: event[name] for name in SEED_EXAMPLE} == SEED_EXAMPLE
    assert event["click_id"] == body_of(answer)["click_id"]
    assert event["referrer_host"] == "blog.example.com"


@both_apis
async def test_a_first_click_creates_a_customer_of_the_link_and_its_partner(gateway: Gateway) -> None:
    link = await gateway.link("PARTNER123")
    before = datetime.now(UTC)
    click_id = body_of(await gateway.track())["click_id"]
    (customer,) = await gateway.customers()
    (event,) = await gateway.events()
    assert part(customer, {"program_id": 0, "partner_id": 0}) == part(link, {"program_id": 0, "partner_id": 0})
    assert (customer["link_id"], customer["customer_status"], customer["click_id"]) == (link["id"], "click", click_id)
    assert customer["created_at"] == customer["last_click_at"] == event["occurred_at"]
    assert before <= event["occurred_at"] <= datetime.now(UTC)
    milliseconds = (event["occurred_at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert click_id == f"cust_{customer['id']}_{milliseconds}"
    ids = {"program_id": link["program_id"], "partner_id": link["partner_id"], "customer_id": customer["id"]}
    assert part(event, ids) == ids
    assert event["link_id"] == link["id"]


@both_apis
async def test_a_click_counts_only_for_its_link_and_membership(gateway: Gateway) -> None:
    program, partner = await gateway.program(), await gateway.partner()
    await gateway.link("PARTNER123", program=program, partner=partner)
    await gateway.link("SIBLING", program=program, partner=partner)
    await gateway.link("OTHER", program=program)
    await gateway.track("PARTNER123")
    await gateway.track("PARTNER123")
    await gateway.track("SIBLING")
    last, last_sibling = [event["occurred_at"] for event in await gateway.events()][1:]
    rows = [await gateway.link_row(code) for code in ("PARTNER123", "SIBLING", "OTHER")]
    assert [(row["clicks"], row["last_clicked"]) for row in rows] == [(2, last), (1, last_sibling), (0, None)]
    counted = {row["partner_id"]: (row["clicks"], row["last_clicked_at"]) for row in await gateway.memberships()}
    assert counted.pop(partner["id"]) == (3, last_sibling)
    assert list(counted.values()) == [(0, None)]
    assert await gateway.recorded() == 3


@pytest.mark.slow
@both_apis
async def test_simultaneous_clicks_create_separate_customers(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    await gateway.link("OTHER")
    answers = await asyncio.gather(*(gateway.track(code) for code in ["PARTNER123", "OTHER"] * 30))
    assert {answer.status_code for answer in answers} == {200}
    click_ids = {body_of(answer)["click_id"] for answer in answers}
    assert len(click_ids) == await gateway.recorded() == 60
    assert click_ids == {customer["click_id"] for customer in await gateway.customers()}
    assert [(await gateway.link_row(code))["clicks"] for code in ("PARTNER123", "OTHER")] == [30, 30]


@pytest.mark.slow
@both_apis
async def test_no_click_is_answered_before_it_is_committed(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    async with gateway.held():
        waiting = asyncio.create_task(gateway.track())
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        assert await gateway.events() == await gateway.customers() == []
    assert (await waiting).status_code == 200
    assert await gateway.recorded() == 1


@both_apis
async def test_the_response_has_the_programs_cookie_window(gateway: Gateway) -> None:
    await gateway.link("SHORT-lived_1", program=await gateway.program(cookie_window_days=7))
    body = body_of(await gateway.track("SHORT-lived_1"))
    assert (body["partner_code"], body["cookie_window_days"]) == ("SHORT-lived_1", 7)


@both_apis
async def test_the_device_comes_from_the_header_unless_the_body_names_an_agent(gateway: Gateway) -> None:
    await gateway.link()
    gateway.http.headers["User-Agent"] = IPHONE
    await gateway.track()
    await gateway.track(user_agent=None)
    await gateway.track(user_agent=FIREFOX)
    gateway.http.headers["User-Agent"] = FIREFOX
    await gateway.track(user_agent=IPHONE)
    first, second, third, fourth = await gateway.events()
    assert part(first, ON_THE_IPHONE) == part(second, ON_THE_IPHONE) == part(fourth, ON_THE_IPHONE) == ON_THE_IPHONE
    assert (third["user_agent"], third["device_type"], third["os"]) == (FIREFOX, "desktop", "Ubuntu")
    assert (third["browser"], third["browser_version"]) == ("Firefox", "126.0")


@both_apis
async def test_a_bot_is_flagged_and_counted(gateway: Gateway) -> None:
    await gateway.link()
    assert (await gateway.track(user_agent=GOOGLEBOT)).status_code == 200
    assert (await gateway.track(user_agent=FIREFOX)).status_code == 200
    assert [event["is_bot"] for event in await gateway.events()] == [True, False]
    assert (await gateway.link_row())["clicks"] == await gateway.recorded() == 2


@pytest.mark.slow
@both_apis
async def test_absent_fields_are_null(gateway: Gateway) -> None:
    await gateway.link()
    await gateway.track(**dict.fromkeys(["page_url", "existing_click_id", "event_id", "additional_data"]))
    (event,) = await gateway.events()
    optional = [*SEED_EXAMPLE, "referrer_host", "existing_click_id", "event_id", "additional_data"]
    assert {name for name in optional if event[name] is not None} == {"affiliate_url"}
    assert (event["country"], event["region"], event["city"]) == (None, None, None)


@both_apis
async def test_additional_data_is_stored_without_the_keys_of_test_mode(gateway: Gateway) -> None:
    await gateway.link()
    data = {"campaign": "spring ☀", "nested": [1, 2.5, None, True, {"test_mode": True, "program_id": 1}], "big": 2**70}
    await gateway.track(additional_data={**data, "test_mode": False, "program_id": 7})
    await gateway.track(additional_data={})
    first, second = [json.loads(event["additional_data"]) for event in await gateway.events()]
    assert (first, second) == (data, {})
    assert await gateway.test_events() == []


@both_apis
async def test_the_referrers_host_is_stored(gateway: Gateway) -> None:
    await gateway.link()
    for referrer in REFERRER_HOSTS:
        assert (await gateway.track(referrer_url=referrer)).status_code == 200
    assert {event["referrer_url"]: event["referrer_host"] for event in await gateway.events()} == REFERRER_HOSTS


async def test_unknown_fields_are_ignored(gateway: Gateway) -> None:
    await gateway.link()
    fields: dict[str, Any] = {"id": 7, "click_id": "cust_1_1", "partner_id": [], "is_bot": True, "test_mode": True}
    assert (await gateway.track(**fields, user_agent=FIREFOX, utm=None)).status_code == 200
    (event,) = await gateway.events()
    assert event["is_bot"] is False
    assert event["click_id"] != "cust_1_1"
    assert await gateway.test_events() == []
