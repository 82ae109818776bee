"""The rankings and totals of the dashboard, and what its questions cost."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Response, expect

from tests.support.databases import MakeDatabase
from tests.support.drilldown_sites import Site, press, running_site
from tests.support.web_pages import figure, loaded, visiting


@pytest.fixture
async def site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    async with running_site(make_sqlite) as running:
        yield running


async def test_cards_show_another_dimension_and_none_of_which_nothing_is_known(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.reports, token=site.token) as page:
        await loaded(page)
        await expect(page.get_by_text("Nothing is known of: referrers, sub-ids, operating systems.")).to_be_visible()
        await expect(page.locator("[data-ranking=tags]")).to_have_count(0)
        # Of campaigns, only the name is known, so that there is nothing to choose.
        await expect(page.locator("[data-ranking=campaigns]").get_by_role("radio")).to_have_count(0)
        places = page.locator("[data-ranking=countries]")
        await places.get_by_role("radio", name="City").check()
        await expect(places.get_by_role("button", name="City A")).to_be_visible()
        await expect(places.get_by_role("radio", name="City")).to_be_focused()
        assert "by=city" in page.url
        await page.reload()
        await loaded(page)
        # The first dimension of a card is read as soon as it is chosen, too.
        await places.get_by_role("radio", name="Country").check()
        await expect(places.get_by_role("button", name="Germany")).to_be_visible()
        await places.get_by_role("radio", name="City").check()
        await press(page, "countries", "City A")
        assert await figure(page, "clicks") == site.count(lambda event: event["city"] == "City A")
        await page.locator("[data-ranking=times]").get_by_role("radio", name="Hour").check()
        hours = page.locator("[data-ranking=times] tbody th")
        await expect(hours.first).to_contain_text(":00")
        names = await hours.all_inner_texts()
        assert names == sorted(names)


async def test_visitors_are_different_people(browser: Browser, site: Site) -> None:
    async with visiting(browser, f"{site.reports}?is.country=DE", token=site.token) as page:
        await loaded(page)
        people = {e["customer_id"] for e in site.events if e["country"] == "DE" and not e["is_bot"]}
        assert await figure(page, "visitors") == len(people)
        assert len(people) < await figure(page, "people")


MANY = "&".join(f"is.{name}=x&not.{name}=y" for name in ("country", "city", "browser", "os", "sub1", "language"))


@pytest.mark.parametrize(("section", "query"), [("", "range=90d"), ("reports", "range=90d"), ("reports", MANY)])
async def test_the_dashboards_own_questions_are_far_from_the_limits(
    browser: Browser, site: Site, section: str, query: str
) -> None:
    answers: list[Response] = []
    async with visiting(browser, site.reports) as page:
        page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/graphql") else None)
        shown = "?rows=city&columns=browser&figure=revenue&" if section else "?"
        await page.goto(f"{site.section(section)}{shown}{query}#token={site.token}")
        await loaded(page)
        if section:
            await expect(page.locator(".crossing")).to_have_attribute("aria-busy", "false")
        costs = [(await answer.json())["extensions"]["cost"] for answer in answers]
    # Signing in, the report, and the two questions of the cross table.
    assert len(costs) >= (4 if section else 2)
    assert max(cost["requested"] for cost in costs) < costs[0]["maximum"] / 3
