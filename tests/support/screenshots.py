"""Takes the screenshots of the web pages with the demonstration data, those of the README and of each section of the
dashboard: `make screenshots`."""

import asyncio
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from playwright.async_api import Browser, Page

from tests.support.browser import running_browser
from tests.support.processes import COMMAND, clickgate, environment, free_port, ready, stop
from tests.support.web_pages import loaded, visiting

ROOT = Path(__file__).parents[2]
FOLDER, SECTIONS_FOLDER = ROOT / "gateway" / "web" / "screenshots", ROOT / "docs" / "screenshots"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SECTIONS = {
    "program": (
        *("overview", "reports", "partners", "links", "clicks", "customers", "conversions", "rules", "payouts"),
        *("import", "setup"),
    ),
    "partner": ("overview", "links", "payouts"),
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": WIDE, "color_scheme": "light"},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "phone": {"viewport": NARROW, "color_scheme": "light"},
}
# There are many of them, and each is renewed with the pages.
QUALITY = 70


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    SECTIONS_FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        database_url = f"sqlite:///{folder}/clickgate.db"
        url = f"http://127.0.0.1:{(port := free_port())}"
        start = [str(COMMAND), "demo", "--port", str(port)]
        process = subprocess.Popen(start, env=environment(database_url), stdout=subprocess.DEVNULL)
        try:
            async with httpx.AsyncClient() as http:
                await ready(http, url, process)
            tokens = {
                role: json.loads(clickgate(database_url, "token", "issue", "--role", role, f"--{role}-id", "1").stdout)
                for role in ("program", "partner")
            }
            async with running_browser() as browser:
                secrets = {role: issued["token"] for role, issued in tokens.items()}
                await take(browser, url, secrets)
                await take_sections(browser, url, secrets)
        finally:
            await stop(process)


async def take(browser: Browser, url: str, tokens: dict[str, str]) -> None:
    """Take the dashboard as an owner sees it on a computer, and a partner on a phone."""
    for name, role, look in (
        ("dashboard", "program", {"viewport": WIDE, "color_scheme": "light"}),
        ("dashboard-dark", "program", {"viewport": WIDE, "color_scheme": "dark"}),
        ("phone", "partner", {"viewport": NARROW, "color_scheme": "light"}),
    ):
        async with visiting(browser, f"{url}/dashboard", token=tokens[role], **look) as page:
            await loaded(page)
            await keep(page, name)
    query: dict[str, Any] = {"viewport": WIDE, "color_scheme": "light"}
    async with visiting(browser, f"{url}/graphql", token=tokens["partner"], **query) as page:
        await page.locator(".graphiql-query-editor", has_text="viewer").wait_for()
        await page.get_by_role("button", name="Execute query").click()
        await page.locator(".result-window", has_text="PARTNER").wait_for()
        await keep(page, "graphiql")


async def take_sections(browser: Browser, url: str, tokens: dict[str, str]) -> None:
    """Take each section of the dashboard for each role, in light and dark colours and on a phone."""
    for role, sections in SECTIONS.items():
        for name, look in LOOKS.items():
            async with visiting(browser, f"{url}/dashboard", token=tokens[role], **look) as page:
                for section in sections:
                    await page.goto(f"{url}/dashboard/{section}".removesuffix("/overview"))
                    await loaded(page)
                    await page.wait_for_timeout(500)
                    path = SECTIONS_FOLDER / f"{role}-{section}-{name}.jpg"
                    await page.screenshot(path=path, type="jpeg", quality=QUALITY)


async def keep(page: Page, name: str) -> None:
    # Waits for fonts and layout.
    await page.wait_for_timeout(1000)
    await page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
