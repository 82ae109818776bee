"""Sign-ups that a page reports through the tracker: what is sent, what the page learns, and what survives an outage."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Route

from db.schema.conversions import LeadEvent
from tests.support.shop import Shop, Visitor

LEADS = "**/track/lead"
RECORDED = {"success": True, "message": "Lead tracked successfully"}
SIGN_UP = "affitor.signup('user_1', 'alice@example.com')"


async def landed(shop: Shop, *, path: str = "/") -> tuple[str, Visitor, str]:
    """Return the code of a new link, and a visitor who has arrived through it with the click id."""
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"{path}?aff={code}"))
    return code, visitor, await visitor.click_id()


async def leads_of(shop: Shop, click_id: str) -> list[dict[str, Any]]:
    (customer,) = [found for found in await shop.gateway.customers() if found["click_id"] == click_id]
    return [lead for lead in await shop.gateway.rows(LeadEvent) if lead["customer_id"] == customer["id"]]


async def recorded(shop: Shop, click_id: str) -> dict[str, Any]:
    """Wait until a visitor's lead is recorded; return it."""
    async with asyncio.timeout(10):
        while not (found := await leads_of(shop, click_id)):
            await asyncio.sleep(0.05)
    (lead,) = found
    return lead


def unsent(reason: str) -> dict[str, Any]:
    """Return what a sign-up resolves with if the gateway has not answered it."""
    return {"success": False, "message": reason}


async def test_a_sign_up_is_recorded_with_the_click_the_session_and_the_page(shop: Shop) -> None:
    _, visitor, click_id = await landed(shop)
    await visitor.page.goto(shop.url("/welcome?token=secret#top"))
    assert await visitor.page.evaluate(SIGN_UP) == RECORDED
    (sent,) = visitor.leads
    assert sent.keys() == {"event_id", "click_id", "customer_key", "email", "session_id", "page_url"}
    assert (sent["click_id"], sent["customer_key"], sent["email"]) == (click_id, "user_1", "alice@example.com")
    lead = await recorded(shop, click_id)
    assert lead["page_url"] == shop.url("/welcome")
    assert lead["session_id"] == visitor.posts[0]["session_id"]
    assert lead["event_name"] == "signup"
    (customer,) = [found for found in await shop.gateway.customers() if found["click_id"] == click_id]
    assert customer["customer_key"] == "user_1"
    assert await visitor.waiting() == []
    assert not visitor.faults


async def test_the_older_name_takes_an_object(shop: Shop) -> None:
    _, visitor, click_id = await landed(shop)
    options = "{email: 'bob@example.com', user_id: 1001, additional_data: {event_name: 'trial', plan: ['pro']}}"
    assert await visitor.page.evaluate(f"affitor.trackLead({options})") == RECORDED
    lead = await recorded(shop, click_id)
    assert (lead["event_name"], json.loads(lead["additional_data"])["plan"]) == ("trial", ["pro"])
    named = "affitor.trackLead({customer_key: '1001', user_id: 7})"
    assert await visitor.page.evaluate(named) == RECORDED
    assert [sent["customer_key"] for sent in visitor.leads] == ["1001", "1001"]


async def test_without_a_click_id_nothing_is_sent(shop: Shop) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    for call in (SIGN_UP, "affitor.signup()", "affitor.trackLead()", "affitor.trackLead(null)"):
        assert await visitor.page.evaluate(call) == unsent("No click id")
    assert visitor.leads == []
    assert await visitor.waiting() == []
    assert not visitor.faults


async def test_the_click_id_has_an_older_name(shop: Shop) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    assert await visitor.page.evaluate("affitor.customerCode") is None
    _, visitor, click_id = await landed(shop)
    assert await visitor.page.evaluate("affitor.customerCode") == click_id


async def test_a_refusal_is_passed_on(shop: Shop) -> None:
    _, visitor, click_id = await landed(shop)
    answer = await visitor.page.evaluate("affitor.signup('x'.repeat(256), 'alice@example.com')")
    assert "customer_key" in answer["error"]
    assert len(visitor.leads) == 1
    assert await leads_of(shop, click_id) == []
    assert await visitor.page.evaluate(SIGN_UP) == RECORDED


@pytest.mark.parametrize("call", ["affitor.trackLead({additional_data: own})", "affitor.signup({toString: null}, own)"])
async def test_arguments_that_cannot_be_sent_do_not_throw(shop: Shop, call: str) -> None:
    _, visitor, _ = await landed(shop)
    answer = await visitor.page.evaluate(f"() => {{ const own = {{}}; own.own = own; return {call} }}")
    assert answer == unsent("Invalid data")
    assert visitor.leads == []
    assert await visitor.page.evaluate(SIGN_UP) == RECORDED
    assert not visitor.faults


async def test_calls_made_before_the_script_loads_are_replayed(shop: Shop) -> None:
    _, visitor, click_id = await landed(shop)
    shop.pages["/queue.mjs"] = "window.affitorQueue = [['signup', 'user_1', 'alice@example.com']]"
    shop.usual = shop.usual.replace("<head>", '<head><script src="/queue.mjs"></script>')
    await visitor.page.goto(shop.url("/welcome"))
    lead = await recorded(shop, click_id)
    assert lead["page_url"] == shop.url("/welcome")


async def test_a_replayed_call_on_the_landing_page_waits_for_the_click(shop: Shop) -> None:
    shop.pages["/queue.mjs"] = "window.affitorQueue = [['signup', 'user_1', 'alice@example.com']]"
    shop.usual = shop.usual.replace("<head>", '<head><script src="/queue.mjs"></script>')
    _, visitor, click_id = await landed(shop)
    await recorded(shop, click_id)
    assert [sent["click_id"] for sent in visitor.leads] == [click_id]


async def test_a_sign_up_during_a_landing_is_sent_with_its_click_id(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    async with shop.gateway.held():
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        await visitor.page.evaluate(f"void (window.answered = {SIGN_UP})")
        await asyncio.sleep(0.2)
        assert visitor.leads == []
    assert await visitor.page.evaluate("answered") == RECORDED
    assert [sent["click_id"] for sent in visitor.leads] == [await visitor.click_id()]


async def test_a_sign_up_during_a_landing_that_is_refused_is_not_sent(shop: Shop) -> None:
    visitor = await shop.visitor()
    shop.pages["/queue.mjs"] = (
        f"window.affitorQueue = [['ready']]; window.onload = () => {{ window.answered = {SIGN_UP} }}"
    )
    shop.usual = shop.usual.replace("<head>", '<head><script src="/queue.mjs"></script>')
    await visitor.page.goto(shop.url("/?aff=NOBODYS"))
    assert await visitor.page.evaluate("answered") == unsent("No click id")
    await visitor.settled()
    assert visitor.leads == []


async def test_the_last_partner_gets_a_sign_up_right_after_a_switch(shop: Shop) -> None:
    program = await shop.gateway.program()
    first, second = await shop.link(program=program), await shop.link(program=program)
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    click_id = await visitor.click_id()
    async with shop.gateway.held():
        await visitor.page.evaluate(
            f"""history.pushState({{}}, '', '/?aff={second}'); window.answered = {SIGN_UP}; 0"""
        )
        await asyncio.sleep(0.2)
    assert await visitor.page.evaluate("answered") == RECORDED
    lead = await recorded(shop, click_id)
    assert lead["link_id"] == (await shop.gateway.link_row(second))["id"]


async def test_a_sign_up_is_retried_like_a_click(shop: Shop) -> None:
    _, visitor, click_id = await landed(shop)
    statuses = [503, 429, 500]

    async def busy(route: Route) -> None:
        if statuses:
            await route.fulfill(status=statuses.pop(0), body="{}", headers={"Access-Control-Allow-Origin": "*"})
        else:
            await route.continue_()

    await visitor.context.route(LEADS, busy)
    assert await visitor.page.evaluate(SIGN_UP) == RECORDED
    assert len(visitor.leads) == 4
    assert len({sent["event_id"] for sent in visitor.leads}) == 1
    await recorded(shop, click_id)


async def test_an_unsent_sign_up_is_sent_from_the_next_page(shop: Shop) -> None:
    _, visitor, click_id = await landed(shop)
    shop.usual = shop.usual.replace(shop.script, f"{shop.gateway.http.base_url}/js/tracker.js")
    shop.usual = shop.usual.replace("defer", f'defer data-affitor-api-base="http://127.0.0.1:{shop.line.port}"')
    await visitor.page.goto(shop.url("/sign-up"))
    shop.line.cut()
    await visitor.page.evaluate(f"void {SIGN_UP}")
    await shop.line.asked(1)
    assert [lead["customer_key"] for lead in await visitor.waiting()] == ["user_1"]
    await visitor.page.goto(shop.url("/welcome"))
    shop.line.mend()
    lead = await recorded(shop, click_id)
    assert lead["page_url"] == shop.url("/sign-up")
    await visitor.settled()


async def test_a_landing_and_a_sign_up_survive_an_outage_in_order(shop: Shop) -> None:
    code = await shop.link()
    shop.usual = shop.usual.replace(shop.script, f"{shop.gateway.http.base_url}/js/tracker.js")
    shop.usual = shop.usual.replace("defer", f'defer data-affitor-api-base="http://127.0.0.1:{shop.line.port}"')
    shop.line.cut()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.page.evaluate(f"void {SIGN_UP}")
    await visitor.page.goto(shop.url("/welcome"))
    assert len(await visitor.waiting()) == 2
    assert visitor.leads == []
    shop.line.mend()
    await recorded(shop, await visitor.click_id())


async def test_a_4xx_without_a_body_that_scripts_can_read_ends_a_sign_up(shop: Shop) -> None:
    _, visitor, _ = await landed(shop)
    blocked = {"status": 403, "body": "<h1>Blocked</h1>", "headers": {"Access-Control-Allow-Origin": "*"}}
    await visitor.context.route(LEADS, lambda route: route.fulfill(**blocked))
    assert await visitor.page.evaluate(SIGN_UP) == unsent("HTTP 403")
    assert await visitor.waiting() == []


@pytest.mark.parametrize("given", [True, False])
async def test_a_sign_up_waits_for_consent(shop: Shop, given: bool) -> None:
    _, visitor, click_id = await landed(shop)
    shop.usual = shop.page('data-affitor-consent="required"')
    await visitor.page.goto(shop.url("/welcome"))
    await visitor.page.evaluate(f"void (window.answered = {SIGN_UP})")
    await visitor.page.wait_for_timeout(200)
    assert visitor.leads == []
    assert await visitor.page.evaluate("sessionStorage.getItem('affitor_waiting')") in {None, "[]"}
    await visitor.page.evaluate(f"affitor.consent({json.dumps(given)})")
    answer = await visitor.page.evaluate("answered")
    assert answer == (RECORDED if given else unsent("No consent"))
    assert len(await leads_of(shop, click_id)) == given
    # What was refused is not sent later.
    await visitor.page.evaluate("affitor.consent(true)")
    await visitor.page.wait_for_timeout(200)
    assert len(visitor.leads) == given


async def test_a_sign_up_that_is_given_up_says_so(shop: Shop) -> None:
    shop.usual = shop.page('data-affitor-debug="true"')
    _, visitor, _ = await landed(shop)
    said: list[str] = []
    visitor.page.on("console", lambda message: said.append(message.text))
    await visitor.context.route(LEADS, lambda route: route.fulfill(status=503))
    await visitor.page.clock.install()
    await visitor.page.evaluate(f"void (window.answered = {SIGN_UP})")
    while not visitor.leads:
        await asyncio.sleep(0.02)
    await visitor.page.clock.fast_forward(25 * 3600 * 1000)
    assert await visitor.page.evaluate("answered") == unsent("Gave up")
    assert "[Affitor] not sent Gave up" in said
    assert await visitor.waiting() == []


async def test_a_sign_up_is_no_click_whatever_the_page_says(shop: Shop) -> None:
    code, visitor, click_id = await landed(shop)
    own = f"affiliate_url: location.origin + '/?aff={code}', event_id: 'x', click_id: 'y'"
    assert await visitor.page.evaluate(f"affitor.trackLead({{user_id: 1, {own}}})") == RECORDED
    (sent,) = visitor.leads
    assert sent["click_id"] == click_id
    assert "affiliate_url" not in sent
    assert len(await shop.events(code)) == 1


async def test_data_whose_conversion_fails_holds_up_nothing(shop: Shop) -> None:
    _, visitor, click_id = await landed(shop)
    poisoned = "{amount: 1, toJSON() { throw new Error('no') }}"
    sign_up = f"affitor.trackLead({{user_id: 1, additional_data: {{at: new Date(0), price: {poisoned}}}}})"
    assert await visitor.page.evaluate(sign_up) == RECORDED
    kept = json.loads((await recorded(shop, click_id))["additional_data"])
    assert (kept["at"], kept["price"]["amount"]) == ("1970-01-01T00:00:00.000Z", 1)
    assert await visitor.page.evaluate(SIGN_UP) == RECORDED
    assert not visitor.faults
