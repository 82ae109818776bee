"""What users do and see on the web pages in a real browser, and a check that pages contact no other host."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect

from gateway.pages import DIST

SECONDS = 20
# Axe's other impacts are recommendations.
GRAVE = ("serious", "critical")
PAGES = re.compile(r"/(?:dashboard|graphql)\b")
OWN_SCHEMES = ("blob", "data")


def need_pages() -> None:
    """Skip a test if the pages are not built, or fail it where nothing may be skipped."""
    if not DIST.is_dir():
        reason = "the web pages are not built, see `make web`"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@asynccontextmanager
async def visiting(browser: Browser, url: str, *, token: str | None = None, **context: Any) -> AsyncIterator[Page]:
    """Open a page in a new window, signed in with a token if one is given. At the end, check that it made no request to
    another host, that the browser blocked nothing, and that no script failed."""
    need_pages()
    expect.set_options(timeout=SECONDS * 1000)
    window = await browser.new_context(**{"timezone_id": "Europe/Berlin", "locale": "en-GB", **context})
    page = await window.new_page()
    page.set_default_timeout(SECONDS * 1000)
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("worker", lambda worker: asked.append(worker.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    try:
        if token is not None:
            await sign_in(window, url, token)
        await page.goto(url)
        yield page
        own = urlsplit(url).netloc
        assert {address for address in asked if not _is_own(address, own)} == set()
        assert wrong == [], wrong
    finally:
        await window.close()


async def sign_in(window: BrowserContext, url: str, token: str) -> None:
    """Sign a window in, given the URL of a page of the dashboard or of GraphiQL."""
    root = PAGES.split(url)[0]
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    headers = {"Authorization": f"Bearer {token}", "Origin": origin}
    answer = await window.request.post(f"{root}/api/v1/session", headers=headers)
    assert answer.status == 201, await answer.text()


async def loaded(page: Page) -> None:
    """Wait until the dashboard has loaded everything and is subscribed to new clicks."""
    await expect(page.locator(".live")).to_have_attribute("data-state", "live")
    await expect(page.locator(".board")).to_have_attribute("aria-busy", "false")


async def figure(page: Page, name: str) -> int:
    """Return one of the dashboard's totals."""
    return int((await page.inner_text(f"[data-figure={name}] .figure")).replace(",", ""))


async def table(page: Page, selector: str) -> list[list[str]]:
    """Return a table's rows without its header."""
    rows: list[list[str]] = await page.eval_on_selector_all(
        f"{selector} tbody tr", "rows => rows.map(row => [...row.children].map(cell => cell.textContent.trim()))"
    )
    return rows


async def faults(page: Page) -> list[str]:
    """Return the serious violations that axe reports, with their elements."""
    found = await Axe().run(page)
    return [
        f"{each['id']}: {node['html']} {node['failureSummary']}"
        for each in found.response["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


async def width(page: Page) -> int:
    """Return the width of the page's content."""
    wide: int = await page.evaluate("document.documentElement.scrollWidth")
    return wide


def _is_own(address: str, host: str) -> bool:
    parts = urlsplit(address)
    return parts.netloc == host or parts.scheme in OWN_SCHEMES
