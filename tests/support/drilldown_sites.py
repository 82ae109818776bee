"""A gateway with varied clicks, and what is pressed on its dashboard to drill down."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from playwright.async_api import Page

from tests.support.databases import MakeDatabase
from tests.support.drilldown_history import record_varied
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import loaded


class Site(NamedTuple):
    """A gateway with varied clicks through one link, and its program's token. `reports` is the address of the section
    that has all rankings."""

    gateway: Gateway
    reports: str
    token: str
    events: list[dict[str, Any]]

    def section(self, name: str) -> str:
        """Return the address of another section of the dashboard."""
        return self.reports.replace("/reports", f"/{name}".rstrip("/"))

    def count(self, condition: Callable[[dict[str, Any]], bool]) -> int:
        return sum(map(condition, self.events))


@asynccontextmanager
async def running_site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    """Run a gateway whose clicks differ in everything."""
    async with running_gateway(make_sqlite()) as gateway:
        link = await gateway.link(destination_url="https://yoursite.com/")
        await record_varied(gateway, link, datetime.now(UTC))
        token = await gateway.token("program", program_id=link["program_id"])
        reports = str(gateway.http.base_url.join("/dashboard/reports"))
        yield Site(gateway, reports, token, await gateway.events())


async def press(page: Page, ranking: str, row: str) -> None:
    """Press a row of a ranking, and wait for the new figures."""
    await page.locator(f"[data-ranking={ranking}]").get_by_role("button", name=row, exact=True).click()
    await loaded(page)


async def turn(page: Page, chip: str) -> None:
    await page.locator(".chip").get_by_role("button", name=chip, exact=True).click()
    await loaded(page)


async def chips(page: Page) -> list[str]:
    return await page.locator(".chip .turn").all_inner_texts()
