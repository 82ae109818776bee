"""The examples for web pages, in a real browser with a real gateway: the static shop, and the hook of the Next.js
example."""

import asyncio
import json
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from db.schema.conversions import Sale
from tests.support import npm_packages as javascript
from tests.support.example_files import EXAMPLES, filled, served
from tests.support.shop import Shop

PAGES = ("index.html", "signup.html", "consent.html")
LOCAL_SCRIPT = "http://127.0.0.1:8000/js/affitor-tracker.js"


@pytest.fixture
async def codes(shop: Shop) -> list[str]:
    """The codes of two partners' links."""
    program = await shop.gateway.program()
    return [await shop.link(program=program) for _ in range(2)]


@pytest.fixture
def static_shop(shop: Shop, codes: list[str], tmp_path: Path) -> Iterator[str]:
    """Serve the static shop, and yield its URL."""
    for page in PAGES:
        text = filled(f"static-shop/{page}", {LOCAL_SCRIPT: shop.script})
        text = text.replace("PARTNER123", codes[0]).replace("NEWSLETTER", codes[1])
        (tmp_path / page).write_text(text)
    for script in ("attribution.js", "consent.js", "signup.js"):
        shutil.copy(EXAMPLES / "static-shop" / script, tmp_path)
    with served(tmp_path) as url:
        yield url


async def test_a_click_is_recorded_and_the_next_page_shows_it(shop: Shop, codes: list[str], static_shop: str) -> None:
    visitor = await shop.visitor()
    page = visitor.page
    await page.goto(f"{static_shop}/index.html")
    await page.click("text=a link of one partner")
    click_id = await visitor.click_id()
    await page.click("text=sign up")
    await page.wait_for_function("() => document.querySelector('#has-attribution').textContent === 'yes'")
    assert await page.inner_text("#click-id") == click_id == await page.input_value("[name=click_id]")
    assert await page.inner_text("#affiliate-url") == f"{static_shop}/index.html?aff={codes[0]}"
    # The last partner wins.
    await page.click("text=Back to the shop")
    await page.click("text=a link of another partner")
    await page.wait_for_function("code => window.affitor?.affiliateUrl?.endsWith(code)", arg=codes[1])
    assert [len(await shop.events(code)) for code in codes] == [1, 1]
    assert not visitor.faults


async def test_a_landing_on_the_page_with_the_attribution_shows_it(
    shop: Shop, codes: list[str], static_shop: str
) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(f"{static_shop}/signup.html?aff={codes[0]}")
    await visitor.page.wait_for_function("() => document.querySelector('#has-attribution').textContent === 'yes'")
    assert await visitor.page.inner_text("#click-id") == await visitor.click_id()


async def test_a_sign_up_is_reported_and_a_server_reports_its_sale(
    shop: Shop, codes: list[str], static_shop: str
) -> None:
    visitor = await shop.visitor()
    page = visitor.page
    await page.goto(f"{static_shop}/signup.html?aff={codes[0]}")
    await visitor.click_id()
    await page.fill("[name=email]", "anna@shop.example")
    await page.click("text=Sign up >> nth=-1")
    await expect(page.locator("#outcome")).to_have_text(re.compile("^user_.{8}: Lead tracked successfully$"))
    customer = (await page.inner_text("#outcome")).partition(":")[0]
    (lead,) = visitor.leads
    assert (lead["customer_key"], lead["email"]) == (customer, "anna@shop.example")
    link = await shop.gateway.link_row(codes[0])
    token = await shop.gateway.token("tracking", program_id=link["program_id"])
    first, again = [await reported(shop, token, customer) for _ in range(2)]
    assert (first["success"], again["code"]) == (True, "duplicate_transaction")
    (sale,) = [row for row in await shop.gateway.rows(Sale) if row["id"] == first["sale_id"] == again["sale_id"]]
    assert (sale["amount"], sale["currency"], sale["link_id"]) == (4999, "EUR", link["id"])
    with pytest.raises(AssertionError, match="refused the sale: 401"):
        await reported(shop, "cg_nobody", customer)


async def reported(shop: Shop, token: str, customer: str) -> dict[str, Any]:
    """Run the script that reports a sale; return what it printed."""
    script, sale = EXAMPLES / "report-sale" / "report_sale.py", (customer, "order_1", "4999", "EUR")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), str(shop.gateway.http.base_url), *sale),
        env={"TRACKING_TOKEN": token},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out))


async def test_a_visitor_without_a_partner_is_shown_as_such(shop: Shop, static_shop: str) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(f"{static_shop}/signup.html")
    await visitor.page.wait_for_function("() => document.querySelector('#has-attribution').textContent === 'no'")
    assert await visitor.page.inner_text("#click-id") == "none"
    assert await visitor.page.input_value("[name=click_id]") == ""
    assert not visitor.posts


async def test_the_consent_page_respects_the_choice(shop: Shop, codes: list[str], static_shop: str) -> None:
    visitor = await shop.visitor()
    page = visitor.page
    await page.goto(f"{static_shop}/consent.html")
    await page.click("text=a partner's link")
    await page.wait_for_function("() => window.affitor?.loaded && location.search")
    assert (await visitor.cookies(), visitor.posts) == ({}, [])
    await page.click("#agree")
    click_id = await visitor.click_id()
    assert len(await shop.events(codes[0])) == 1
    await page.reload()
    assert await visitor.click_id() == click_id
    assert not await page.is_visible("#banner")
    await page.click("#withdraw")
    assert await visitor.cookies() == {}
    assert await page.is_visible("#banner")
    await page.click("#refuse")
    await page.reload()
    await page.wait_for_function("() => window.affitor?.loaded")
    await page.evaluate("affitor.ready")
    assert (await visitor.cookies(), await page.is_visible("#banner")) == ({}, False)
    assert len(visitor.posts) == 1
    assert not visitor.faults


@pytest.fixture(scope="module")
async def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hook bundled with React, for a browser."""
    folder = javascript.installed(tmp_path_factory.mktemp("hook"), javascript.TRACKER)
    shutil.copy(EXAMPLES / "nextjs" / "hooks" / "use-click-id.js", folder)
    options = ("--bundle", "--outfile=bundle.js", "--define:process.env.NODE_ENV='development'")
    await javascript.run(folder, "node_modules/.bin/esbuild", "hook.mjs", *options)
    return (folder / "bundle.js").read_text()


async def test_the_hook_returns_the_click_id_as_soon_as_it_is_known(shop: Shop, codes: list[str], bundle: str) -> None:
    shop.pages["/app.mjs"] = bundle
    shop.usual = shop.page(body='<div id=root></div><script src="/app.mjs"></script>')
    visitor = await shop.visitor()
    page, answered = visitor.page, asyncio.Event()

    async def hold(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await visitor.context.route("**/track/click", hold)
    async with page.expect_request("**/track/click"):
        await page.goto(shop.url(f"/?aff={codes[0]}"))
    await page.evaluate("hydrate()")
    assert await page.inner_text("#root") == "nobody's"
    answered.set()
    await page.wait_for_function("() => document.querySelector('#root').textContent !== \"nobody's\"")
    click_id = await visitor.click_id()
    assert await page.inner_text("#root") == click_id
    # On the next page, the id is known in the browser but not on the server, which must not cause a hydration mismatch.
    await page.goto(shop.url("/second"))
    await visitor.click_id()
    await page.evaluate("hydrate()")
    await page.wait_for_function("id => document.querySelector('#root').textContent === id", arg=click_id)
    assert await page.evaluate("[server, complaints]") == ["nobody's", []]
    assert not visitor.faults
