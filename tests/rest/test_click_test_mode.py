"""Test mode: test events are recorded, but affect no counter and no report."""

import json
from typing import Any

import httpx
import pytest

from tests.support.click_apis import both_apis
from tests.support.gateways import Gateway, body_of

OTHERS_WRONG: dict[str, Any] = {
    "affiliate_url": 5,
    "page_url": [],
    "page_title": {},
    "referrer_url": True,
    "session_id": 1.5,
    "user_agent": ["x"],
    "screen_resolution": {"w": 1},
    "viewport_size": 0,
    "language": False,
    "timezone": [None],
    "existing_click_id": 7,
    "event_id": 64,
}


async def try_out(gateway: Gateway, data: dict[str, Any] | None = None, **fields: Any) -> httpx.Response:
    """Send a click in test mode, without an `affiliate_url` unless one is given."""
    return await gateway.track(None, **fields, additional_data={"test_mode": True, **(data or {})})


@both_apis
async def test_a_test_event_is_answered_as_documented(gateway: Gateway) -> None:
    program = await gateway.program()
    answer = await try_out(gateway, {"program_id": program["id"]})
    (event,) = await gateway.test_events()
    assert answer.status_code == 200
    assert body_of(answer) == {
        "success": True,
        "message": "Test click event tracked successfully",
        "data": {"eventId": event["id"], "programId": program["id"], "test_mode": True},
    }
    assert event["program_id"] == program["id"]


@both_apis
async def test_the_program_id_may_be_an_integer_or_digits(gateway: Gateway) -> None:
    program_id = (await gateway.program())["id"]
    named = [program_id, str(program_id), f"00{program_id}"]
    answers = [await try_out(gateway, {"program_id": name}) for name in named]
    assert [body_of(answer)["data"]["programId"] for answer in answers] == [program_id] * 3
    assert [event["program_id"] for event in await gateway.test_events()] == [program_id] * 3


@both_apis
async def test_without_a_program_null_is_stored_and_answered(gateway: Gateway) -> None:
    for data in ({}, {"program_id": None}):
        answer = body_of(await try_out(gateway, data))
        assert answer["success"] is True
        assert answer["data"]["programId"] is None
    assert [event["program_id"] for event in await gateway.test_events()] == [None, None]


@both_apis
async def test_a_program_that_does_not_exist_is_refused(gateway: Gateway) -> None:
    program_id = (await gateway.program())["id"]
    numbers: list[object] = [program_id + 1, 0, -1, -program_id, 2**31, 2**63 - 1, 2**63, 2**64, 10**30]
    others: list[object] = [program_id + 0.5, 1e300, True, False, [], [program_id], {}]
    texts = ["", " ", "x", f" {program_id}", f"{program_id}\n", f"+{program_id}", f"-{program_id}", f"{program_id}.0"]
    texts += ["0", "\u0661", "\uff11", "\u00b2", "9" * 19, "9" * 5000, f"{program_id}\0", "null", "0x1", "1_0"]
    for named in numbers + others + texts:
        answer = await try_out(gateway, {"program_id": named})
        body = body_of(answer)
        assert (named, answer.status_code, body["error"]) == (named, 400, "Program not found")
    assert await gateway.test_events() == []


@pytest.mark.slow
@both_apis
async def test_only_true_enables_test_mode(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    almost = [1, 1.0, "true", "True", "1", "yes", False, None, [], [True], {}, {"test_mode": True}, 0]
    for value in almost:
        without_url = await gateway.track(None, additional_data={"test_mode": value})
        assert (value, without_url.status_code) == (value, 400)
        assert body_of(without_url)["error"] == "affiliate_url is required"
        assert "click_id" in body_of(await gateway.track(additional_data={"test_mode": value, "program_id": 99}))
    assert "click_id" in body_of(await gateway.track(additional_data={"a": {"test_mode": True}}))
    assert await gateway.test_events() == []
    assert await gateway.recorded() == len(almost) + 1


@both_apis
async def test_a_test_event_changes_no_counter(gateway: Gateway) -> None:
    link = await gateway.link("PARTNER123")
    click_id = body_of(await gateway.track())["click_id"]

    async def everything() -> list[Any]:
        rows = [await gateway.events(), await gateway.customers(), await gateway.memberships()]
        return [*rows, await gateway.link_row(), await gateway.recorded()]

    before = await everything()
    url = "https://yoursite.com/?aff=PARTNER123"
    for data in ({}, {"program_id": link["program_id"]}):
        answer = await try_out(gateway, data, affiliate_url=url, existing_click_id=click_id, event_id="event-1")
        assert body_of(answer)["message"] == "Test click event tracked successfully"
    assert await everything() == before
    assert {event["affiliate_url"] for event in await gateway.test_events()} == {url}


@both_apis
async def test_a_test_event_and_a_click_may_have_the_same_event_id(gateway: Gateway) -> None:
    await gateway.link()
    assert body_of(await try_out(gateway, event_id="event-1"))["success"] is True
    click_id = body_of(await gateway.track(event_id="event-1"))["click_id"]
    assert body_of(await try_out(gateway, event_id="event-1"))["success"] is True
    assert body_of(await gateway.track(event_id="event-1"))["click_id"] == click_id
    assert await gateway.recorded() == 1


async def test_test_mode_accepts_invalid_other_fields(gateway: Gateway) -> None:
    answers = [await try_out(gateway, **OTHERS_WRONG)]
    answers += [await try_out(gateway, **{field: value}) for field, value in OTHERS_WRONG.items()]
    answers += [await try_out(gateway, event_id=event_id) for event_id in ("", "x" * 65)]
    answers += [await try_out(gateway, affiliate_url=url) for url in ("", "no url", "https://yoursite.com?aff=nobodys")]
    assert {answer.status_code for answer in answers} == {200}
    events = await gateway.test_events()
    assert [event["id"] for event in events] == [body_of(answer)["data"]["eventId"] for answer in answers]
    assert {events[0][name] for name in OTHERS_WRONG if name != "user_agent"} == {None}


@both_apis
async def test_a_test_event_stores_the_same_fields_as_a_click(gateway: Gateway) -> None:
    program_id = (await gateway.program())["id"]
    fields = {name: f"a {name}" for name in OTHERS_WRONG} | {"referrer_url": "https://blog.example/"}
    fields["user_agent"] = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0"
    data = {"campaign": "spring", "deep": [{"program_id": 1}]}
    await try_out(gateway, {**data, "program_id": program_id}, **fields)
    (event,) = await gateway.test_events()
    assert {name: event[name] for name in fields} == fields
    assert json.loads(event["additional_data"]) == data
    assert (event["referrer_host"], event["browser"], event["is_bot"]) == ("blog.example", "Firefox", False)
