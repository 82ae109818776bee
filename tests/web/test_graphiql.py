"""GraphiQL at `/graphql`, in a browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.databases import MakeDatabase
from tests.support.documents import queries_to_start_from
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import faults, visiting

EXAMPLES = Path(__file__).parents[2] / "gateway" / "web" / "src" / "graphiql" / "examples.graphql"
# GraphiQL nests buttons in its tabs, which the page around it cannot fix.
OWN_FAULT = "nested-interactive"


@pytest.fixture
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    async with running_gateway(make_sqlite()) as running:
        await running.link()
        await running.track(page_title="the first")
        yield running


@pytest.fixture
def graphiql(gateway: Gateway) -> str:
    return str(gateway.http.base_url.join("/graphql"))


async def write(page: Page, query: str) -> None:
    """Enter a query named `Mine` in a new tab."""
    await page.get_by_role("button", name="New tab").click()
    await page.locator(".graphiql-query-editor .view-lines").click()
    await page.keyboard.press("ControlOrMeta+A")
    # If typed, the editor would add closing brackets.
    await page.keyboard.insert_text(query)
    # The tab shows the operation's name once GraphiQL has parsed it.
    await expect(page.locator(".graphiql-tab-active")).to_contain_text("Mine")


def test_the_tabs_contain_the_readmes_queries() -> None:
    assert EXAMPLES.read_text() == "\n".join(queries_to_start_from())


async def test_an_example_query_runs_with_a_token(browser: Browser, gateway: Gateway, graphiql: str) -> None:
    token = await gateway.token("partner", partner_id=1)
    async with visiting(browser, graphiql) as page:
        tabs = page.locator(".graphiql-tab-button")
        await expect(tabs).to_have_text(["Me", "Report", "Drilldown", "Links", "Clicks", "Customers"])
        await expect(page.locator(".graphiql-query-editor")).to_contain_text("viewer")
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.locator(".result-window")).to_contain_text("UNAUTHENTICATED")
        await page.get_by_label("Token").fill(token)
        await page.get_by_label("Token").press("Enter")
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.locator(".result-window")).to_contain_text('"role": "PARTNER"')
        assert await page.evaluate("[location.href, document.cookie]") == [graphiql, ""]
        assert token not in await page.evaluate("JSON.stringify(localStorage)")


async def test_a_subscription_receives_a_click(browser: Browser, gateway: Gateway, graphiql: str) -> None:
    async with visiting(browser, graphiql, token=await gateway.token()) as page:
        await write(page, "subscription Mine { clickTracked { pageTitle } }")
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.get_by_role("button", name="Stop query")).to_be_visible()
        result = page.locator(".result-window")
        for number in range(20):
            await gateway.track(page_title=f"title {number}")
            await page.wait_for_timeout(250)
            if "title" in await result.inner_text():
                break
        await expect(result).to_contain_text("title")


async def test_the_schema_can_be_explored_and_queries_are_validated(browser: Browser, graphiql: str) -> None:
    async with visiting(browser, graphiql) as page:
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        await expect(page.get_by_text("Root Types")).to_be_visible()
        await page.get_by_role("button", name="Show GraphiQL Explorer").click()
        await expect(page.locator(".graphiql-explorer-root")).to_contain_text("clickEvents")
        await write(page, "query Mine { viewer { rule } }")
        # The message comes from Monaco's worker, which shows that it runs.
        await expect(page.locator(".graphiql-query-editor .squiggly-error")).to_be_visible()


async def test_graphiql_has_no_accessibility_violations(browser: Browser, graphiql: str) -> None:
    async with visiting(browser, graphiql) as page:
        await expect(page.get_by_role("tab")).to_have_count(6)
        assert [fault for fault in await faults(page) if not fault.startswith(OWN_FAULT)] == []


async def test_without_a_token_the_browsers_session_counts(browser: Browser, gateway: Gateway, graphiql: str) -> None:
    dashboard = graphiql.replace("graphql", "dashboard")
    async with visiting(browser, dashboard, token=await gateway.token()) as page:
        await expect(page.get_by_role("banner")).to_contain_text("Administrator")
        await page.goto(graphiql)
        await expect(page.locator(".graphiql-query-editor")).to_contain_text("viewer")
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.locator(".result-window")).to_contain_text('"role": "ADMIN"')
        # Over a socket, too.
        await write(page, "subscription Mine { clickTracked { pageTitle } }")
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.get_by_role("button", name="Stop query")).to_be_visible()
        await expect(page.locator(".result-window")).not_to_contain_text("UNAUTHENTICATED")
        await page.get_by_role("button", name="Stop query").click()
        await page.get_by_label("Token").fill(await gateway.token("partner", partner_id=1))
        await page.locator(".graphiql-tab-button").first.click()
        await page.get_by_role("button", name="Execute query").click()
        await expect(page.locator(".result-window")).to_contain_text('"role": "PARTNER"')
