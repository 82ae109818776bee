"""The setup of a program in a browser: its steps, its tag, codes that no link has, and whether the tracker is installed
on a page, whatever is wrong there."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import update

from db.schema.programs import Program
from graph.query.global_ids import encode_id
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.merchant_pages import MerchantPages, merchant_pages, tag
from tests.support.merchants import Merchant, make_merchant
from tests.support.web_pages import faults, loaded, visiting, width


class Shop(NamedTuple):
    """A merchant whose pages a test sets, and the token of its program."""

    gateway: Gateway
    merchant: Merchant
    pages: MerchantPages
    token: str

    @property
    def setup(self) -> str:
        return str(self.gateway.http.base_url.join("/dashboard/setup"))

    def tag(self, program_id: object = None) -> str:
        return tag(str(self.gateway.http.base_url), program_id or self.merchant.program_id)

    def visiting(self, browser: Browser, **look: object) -> AbstractAsyncContextManager[Page]:
        return visiting(browser, self.setup, token=self.token, **look)


@pytest.fixture
async def shop(make_sqlite: MakeDatabase) -> AsyncIterator[Shop]:
    async with running_gateway(make_sqlite()) as gateway, merchant_pages() as pages:
        merchant = await make_merchant(gateway)
        await gateway.execute(update(Program).values(domain=f"127.0.0.1:{pages.port}"))
        token = await gateway.token("program", program_id=merchant.program_id)
        yield Shop(gateway, merchant, pages, token)


async def check(page: Page, url: str) -> None:
    await page.get_by_label("A page of your site").fill(url)
    await page.get_by_role("button", name="Check", exact=True).click()


async def told(page: Page, title: str, advice: str = "") -> None:
    verdict = page.locator(".verdict")
    await expect(verdict.locator("strong")).to_have_text(title)
    await expect(verdict).to_contain_text(advice)


async def open_page(page: Page) -> Page:
    """Open the page that is checked, as its link does."""
    async with page.expect_popup() as opened:
        await page.locator(".verdict a").click()
    return await opened.value


async def test_a_page_with_the_tag(browser: Browser, shop: Shop) -> None:
    url = shop.pages.set("/landing", shop.tag())
    async with shop.visiting(browser) as page:
        await loaded(page)
        await expect(page.get_by_label("A page of your site")).to_have_value(shop.pages.origin + "/")
        await check(page, url)
        await told(page, "The tag is on the page, and nothing there blocks it", "It counts nowhere")
        await open_page(page)
        await told(page, "It is installed: the test click has arrived", f"127.0.0.1:{shop.pages.port}/landing")
        await expect(page.locator(".verdict")).to_have_class("verdict good")
    assert await shop.gateway.recorded() == 0


async def test_a_page_without_the_tag(browser: Browser, shop: Shop) -> None:
    async with shop.visiting(browser) as page:
        await loaded(page)
        await check(page, shop.pages.set("/", "<p>Hello"))
        await told(page, "The page has no tag", "Put the tag above into its <head>")


async def test_a_tag_that_a_script_inserts(browser: Browser, shop: Shop) -> None:
    tracker = str(shop.gateway.http.base_url.join("/js/tracker.js"))
    inserting = (
        f"<script>const tag = document.createElement('script'); tag.src = '{tracker}';"
        f"tag.setAttribute('data-affitor-program-id', '{shop.merchant.program_id}'); document.head.append(tag)</script>"
    )
    async with shop.visiting(browser) as page:
        await loaded(page)
        await check(page, shop.pages.set("/", inserting))
        await told(page, "The page has no tag", "If a tag manager inserts it, open the page")
        await open_page(page)
        await told(page, "It is installed: the test click has arrived")


@pytest.mark.parametrize(
    ("policy", "title", "advice"),
    [
        (
            "script-src 'self'",
            "The page\u2019s content security policy blocks the tracker\u2019s script",
            "script-src … {origin}",
        ),
        (
            "connect-src 'self'",
            "The page\u2019s content security policy blocks the tracker\u2019s clicks",
            "connect-src … {origin}",
        ),
        (
            "default-src 'self'",
            "The page\u2019s content security policy blocks the tracker\u2019s script",
            "script-src 'self' {origin}; connect-src 'self' {origin}",
        ),
    ],
)
async def test_a_content_security_policy(browser: Browser, shop: Shop, policy: str, title: str, advice: str) -> None:
    url = shop.pages.set("/", shop.tag(), {"Content-Security-Policy": policy})
    async with shop.visiting(browser) as page:
        await loaded(page)
        await check(page, url)
        await told(page, title, advice.format(origin=str(shop.gateway.http.base_url).rstrip("/")))
        # As it says: nothing comes.
        await (await open_page(page)).wait_for_load_state()
        await told(page, "Waiting for the page\u2019s click…", title)
    assert await shop.gateway.test_events() == []


async def test_the_tag_of_another_program(browser: Browser, shop: Shop) -> None:
    async with shop.visiting(browser) as page:
        await loaded(page)
        await check(page, shop.pages.set("/", shop.tag(77)))
        title = f"The tag is that of another program: 77 instead of {shop.merchant.program_id}"
        await told(page, title, f'data-affitor-program-id="{shop.merchant.program_id}"')
        await open_page(page)
        await told(page, title, "A click arrived")


@pytest.mark.parametrize("path", ["/js/affitor-tracker.js", "/api/v1/track/click"])
async def test_an_ad_blocker(browser: Browser, shop: Shop, path: str) -> None:
    url = shop.pages.set("/", shop.tag())
    async with shop.visiting(browser) as page:
        await page.context.route(f"**{path}", lambda route: route.abort("blockedbyclient"))
        await loaded(page)
        await check(page, url)
        await told(page, f"This browser blocks {path}: an ad blocker, it seems", "CLICKGATE_TRACKER_PATH")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must be an http or https URL"),
        ("nonsense", "must be an http or https URL"),
        ("https://elsewhere.example/", "must be a page of 127.0.0.1"),
    ],
)
async def test_an_address_that_cannot_be_checked(browser: Browser, shop: Shop, url: str, problem: str) -> None:
    async with shop.visiting(browser) as page:
        await loaded(page)
        await check(page, url)
        await expect(page.locator(".check .problem")).to_contain_text(problem)
        await expect(page.get_by_label("A page of your site")).to_be_focused()


async def test_the_steps_tick_themselves(browser: Browser, shop: Shop) -> None:
    async with shop.visiting(browser) as page:
        await loaded(page)
        steps = page.locator(".steps li")
        await expect(page.locator(".steps .next strong")).to_have_text("A commission rule")
        await page.get_by_role("button", name="Run a test conversion").click()
        await expect(page.locator(".steps .result")).to_contain_text("no commission rule applies")
        await shop.merchant.rule()
        await shop.merchant.visitor()
        await page.get_by_role("button", name="Run a test conversion").click()
        await expect(page.locator(".steps .result")).to_contain_text("Passed")
        await expect(page.locator(".steps .done")).to_have_count(await steps.count())


async def test_codes_that_no_link_has(browser: Browser, shop: Shop) -> None:
    for code in ("TYPO", "TYPO", "LOST"):
        await shop.gateway.track(None, affiliate_url=f"{shop.pages.origin}/sale?aff={code}")
    async with shop.visiting(browser) as page:
        await loaded(page)
        rows = page.locator("[data-code]")
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text(f"127.0.0.1:{shop.pages.port}/sale")
        await rows.first.get_by_role("button", name="Create link TYPO").click()
        form = page.get_by_role("dialog")
        await expect(form.get_by_label("Code")).to_have_value("TYPO")
        await form.get_by_label("Partner", exact=True).select_option(index=1)
        await form.get_by_role("button", name="Create link").click()
        await expect(page.get_by_role("dialog")).to_contain_text("The link is ready")
        await expect(rows).to_have_count(1)
    assert (await shop.gateway.track("TYPO")).status_code == 200


async def test_an_administrator_chooses_a_program(browser: Browser, shop: Shop) -> None:
    await shop.gateway.program(name="Another")
    async with visiting(browser, shop.setup, token=await shop.gateway.token()) as page:
        await loaded(page)
        await page.get_by_role("link", name="Another").click()
        await expect(page.locator(".steps .next strong")).to_have_text("Name and domain")


@pytest.mark.parametrize("role", ["program", "admin"])
async def test_the_program_is_edited(browser: Browser, shop: Shop, role: str) -> None:
    await shop.gateway.program(name="Another", domain="another.example")
    token = shop.token if role == "program" else await shop.gateway.token()
    url = f"{shop.setup}?program={encode_id('Program', shop.merchant.program_id)}"
    async with visiting(browser, url, token=token) as page:
        await loaded(page)
        await page.get_by_role("button", name="Edit name and domain").click()
        name, domain, days = (page.get_by_label(label) for label in ("Name", "Domain", "Days for which a click counts"))
        await expect(domain).to_have_value(f"127.0.0.1:{shop.pages.port}")
        await name.fill("متجر")
        await domain.fill("nonsense")
        await days.fill("0")
        await page.get_by_role("button", name="Save").click()
        await expect(domain).to_be_focused()
        await expect(domain).to_have_accessible_description(re.compile("Must be a domain such as yoursite.com"))
        assert await faults(page) == []
        await domain.fill("www.another.example" if role == "program" else "new.example")
        await page.get_by_role("button", name="Save").click()
        await expect(days).to_have_accessible_description(re.compile("Must be between 1 and 3650"))
        await days.fill("30")
        if role == "program":
            await page.get_by_role("button", name="Save").click()
            await expect(domain).to_have_accessible_description(re.compile("site of another program"))
            await domain.fill("new.example")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status").filter(has_text="متجر is saved.")).to_be_visible()
        await expect(page.locator("[data-step=PROFILE]")).to_contain_text("متجر, new.example")
        await expect(page.get_by_label("A page of your site")).to_have_value("https://new.example/")
        await expect(page.get_by_role("button", name="Edit name and domain")).to_be_focused()
        if role == "program":
            await expect(page.get_by_role("banner")).to_contain_text("متجر")
    row = (await shop.gateway.rows(Program))[0]
    assert (row["name"], row["domain"], row["cookie_window_days"]) == ("متجر", "new.example", 30)


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("pixels", [320, 820, 1440])
async def test_the_section_is_accessible(browser: Browser, shop: Shop, pixels: int, colours: str) -> None:
    await shop.gateway.track(None, affiliate_url=f"{shop.pages.origin}/{'long' * 40}?aff={'TYPO' * 16}")
    await shop.merchant.visitor()
    look = {"viewport": {"width": pixels, "height": 800}, "color_scheme": colours}
    async with shop.visiting(browser, **look) as page:
        await loaded(page)
        await check(page, shop.pages.set("/", shop.tag(), {"Content-Security-Policy": "default-src 'self'"}))
        await expect(page.locator(".verdict strong")).to_contain_text("blocks the tracker\u2019s script")
        await page.locator("details").first.locator("summary").click()
        assert await faults(page) == []
        assert await width(page) == pixels
