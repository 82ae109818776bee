"""The dashboard in a browser: its figures match the database and are updated as clicks arrive."""

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import text as sql

from tests.support.click_history import hourly, record_past
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import figure, loaded, table, visiting

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ROLES = {"partner": "A partner", "program": "A program", "admin": "All programs"}


class Site(NamedTuple):
    """A gateway with two links of one partner, with clicks over eighty days, and one link of another partner."""

    gateway: Gateway
    dashboard: str
    token: str
    events: Sequence[dict[str, Any]]
    """The partner's clicks, the latest first."""

    def between(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        return [event for event in self.events if start <= event["occurred_at"] < end]


def new_customers(events: Sequence[Mapping[str, Any]], *, is_bot: bool) -> int:
    """Return how many customers these clicks created."""
    made = [event for event in events if event["existing_click_id"] != event["click_id"]]
    return sum(event["is_bot"] is is_bot for event in made)


@pytest.fixture
async def site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    async with running_gateway(make_sqlite()) as gateway:
        link = await gateway.link(destination_url="https://yoursite.com/pricing")
        program, partner = ({"id": link[f"{name}_id"]} for name in ("program", "partner"))
        other = await gateway.link("OTHER", program=program, partner=partner)
        foreign = await gateway.link("FOREIGN", program=program)
        now = datetime.now(UTC)
        await record_past(gateway, link, hourly(now, 80))
        await record_past(gateway, other, hourly(now, 20), seed=2)
        await record_past(gateway, foreign, hourly(now, 3), seed=3)
        events = [event for event in await gateway.events() if event["partner_id"] == partner["id"]]
        events.sort(key=lambda event: (event["occurred_at"], event["id"]), reverse=True)
        token = await gateway.token("partner", partner_id=partner["id"])
        yield Site(gateway, str(gateway.http.base_url.join("/dashboard")), token, events)


async def test_the_figures_match_the_database(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.dashboard, token=site.token) as page:
        await loaded(page)
        today = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
        start = today - timedelta(days=29)
        events = site.between(start, today + timedelta(days=1))
        before = site.between(start - timedelta(days=30), datetime.now(BERLIN) - timedelta(days=30))
        bots = sum(event["is_bot"] for event in events)
        assert await figure(page, "clicks") == len(events)
        assert await figure(page, "bots") == bots
        assert await figure(page, "people") == len(events) - bots
        assert await figure(page, "customers") == new_customers(events, is_bot=False)
        assert new_customers(events, is_bot=True) > 0
        assert f"than in the 30 days before ({len(before)})" in await page.inner_text("[data-figure=clicks]")
        days = Counter(event["occurred_at"].astimezone(BERLIN).date() for event in events)
        rows = await table(page, "details")
        assert len(rows) == 30
        assert [int(row[3]) for row in rows] == [days[(start + timedelta(days=n)).date()] for n in range(30)]
        assert {row[0]: int(row[1]) for row in await table(page, "[data-ranking=links]")} == Counter(
            {1: "PARTNER123", 2: "OTHER"}[event["link_id"]] for event in events
        )
        countries = {"DE": "Germany", "US": "United States", "FR": "France", None: "Unknown"}
        assert {row[0]: int(row[1]) for row in await table(page, "[data-ranking=countries]")} == Counter(
            countries[event["country"]] for event in events
        )


async def test_filters_can_be_set_and_are_kept_in_the_address(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.dashboard, token=site.token) as page:
        await loaded(page)
        await page.get_by_label("Time zone").select_option("America/New_York")
        await page.get_by_label("7 days").check()
        await page.get_by_label("Interval").select_option("HOUR")
        await page.get_by_role("button", name="OTHER", exact=True).click()
        await page.get_by_label("Visitors").select_option("people")
        await expect(page.get_by_role("button", name="Link is OTHER", exact=True)).to_be_visible()
        await expect(page.locator("[data-figure=bots]")).to_have_count(0)
        today = datetime.now(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
        week = site.between(today - timedelta(days=6), today + timedelta(days=1))
        expected = sum(event["link_id"] == 2 and not event["is_bot"] for event in week)
        await expect(page.locator("[data-figure=people] .figure")).to_have_text(str(expected))
        assert "token" not in page.url
        assert await figure(page, "customers") == new_customers(
            [event for event in week if event["link_id"] == 2], is_bot=False
        )
        assert all(part in page.url for part in ("zone=America", "range=7d", "interval=hour", "who=people", "link="))
        await page.reload()
        await expect(page.locator("[data-figure=people] .figure")).to_have_text(str(expected))
        await expect(page.get_by_label("Interval")).to_have_value("HOUR")
        await page.go_back()
        await expect(page.locator("[data-figure=bots]")).to_be_visible()


async def test_new_customers_exclude_bots_unless_only_bots_are_shown(browser: Browser, site: Site) -> None:
    start = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=29)
    events = [event for event in site.events if event["occurred_at"] >= start]
    async with visiting(browser, site.dashboard, token=site.token) as page:
        for who, label, is_bot in (
            ("all", "New customers", False),
            ("people", "New customers", False),
            ("bots", "New customers from bots", True),
        ):
            await loaded(page)
            await page.get_by_label("Visitors").select_option(who)
            expected = str(new_customers(events, is_bot=is_bot))
            await expect(page.locator("[data-figure=customers] dt")).to_have_text(label)
            await expect(page.locator("[data-figure=customers] .figure")).to_have_text(expected)


@pytest.mark.parametrize("query", ["", "?range=today", "?range=custom&from=2026-01-02&to=2026-01-02"])
async def test_an_address_shows_the_same_report_in_any_time_zone(browser: Browser, site: Site, query: str) -> None:
    seen: list[list[list[str]]] = []
    url = site.dashboard + query
    for zone in ("Pacific/Kiritimati", "America/New_York"):
        async with visiting(browser, url, token=site.token, timezone_id=zone) as page:
            await loaded(page)
            await expect(page.get_by_label("Time zone")).to_have_value("Pacific/Kiritimati")
            seen.append(await table(page, "details"))
            url = page.url
    assert seen[0] == seen[1] != []
    assert "zone=Pacific%2FKiritimati" in url


@pytest.mark.parametrize("zone", ["localtime", "Mars/Phobos", "+05:00", "", "posix/UTC"])
async def test_an_invalid_time_zone_falls_back_to_the_browsers(browser: Browser, site: Site, zone: str) -> None:
    async with visiting(browser, f"{site.dashboard}?zone={quote(zone)}", token=site.token) as page:
        await loaded(page)
        await expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
        assert page.url == f"{site.dashboard}?zone=Europe%2FBerlin"


async def test_a_custom_period_can_be_chosen(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.dashboard, token=site.token) as page:
        await loaded(page)
        last = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=40)
        first = last - timedelta(days=9)
        await page.get_by_role("radio", name="Custom").check()
        await page.get_by_label("From", exact=True).fill(f"{last:%Y-%m-%d}")
        await page.get_by_label("to", exact=True).fill(f"{first:%Y-%m-%d}")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page.get_by_text("The first day must not be after the last.")).to_be_visible()
        await page.get_by_label("From", exact=True).fill(f"{first:%Y-%m-%d}")
        await page.get_by_label("to", exact=True).fill(f"{last:%Y-%m-%d}")
        await page.get_by_role("button", name="Show", exact=True).click()
        events = site.between(first, last + timedelta(days=1))
        await expect(page.locator("[data-figure=clicks] .figure")).to_have_text(str(len(events)))
        assert len(await table(page, "details")) == 10


async def test_a_click_appears_as_soon_as_it_is_recorded(browser: Browser, site: Site) -> None:
    async with visiting(browser, f"{site.dashboard}?range=today", token=site.token) as page:
        await loaded(page)
        clicks = await figure(page, "clicks")
        await site.gateway.track(page_url="https://yoursite.com/just-now")
        await site.gateway.track("FOREIGN", page_url="https://yoursite.com/not-mine")
        await expect(page.locator("[data-figure=clicks] .figure")).to_have_text(str(clicks + 1))
        await page.get_by_role("link", name="Clicks").click()
        await expect(page.locator(".clicks tbody tr").first).to_contain_text("yoursite.com/just-now")
        await site.gateway.track(page_url="https://yoursite.com/right-now")
        await site.gateway.track("FOREIGN", page_url="https://yoursite.com/not-mine")
        await expect(page.locator(".clicks tbody tr").first).to_contain_text("yoursite.com/right-now")
        assert "not-mine" not in await page.content()


async def test_televisions_and_consoles_are_named(browser: Browser, site: Site) -> None:
    machines = {"Television": "SMART-TV; Linux; Tizen 8.0", "Games console": "PlayStation; PlayStation 5/9.60"}
    for machine in machines.values():
        agent = f"Mozilla/5.0 ({machine}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15"
        await site.gateway.track(user_agent=agent)
    async with visiting(browser, f"{site.dashboard}?range=today", token=site.token) as page:
        await loaded(page)
        devices = {row[0]: row[1] for row in await table(page, "[data-ranking=devices]")}
        assert {name: devices.get(name) for name in machines} == dict.fromkeys(machines, "1")


async def test_clicks_can_be_paged_while_others_arrive(browser: Browser, site: Site) -> None:
    async def ids(page: Page) -> list[str]:
        found: list[str] = await page.eval_on_selector_all(".clicks tbody tr", "rows => rows.map(r => r.dataset.click)")
        return found

    async with visiting(browser, f"{site.dashboard}/clicks?range=90d", token=site.token) as page:
        await loaded(page)
        first = await ids(page)
        await page.get_by_role("button", name="Older").click()
        await expect(page.get_by_role("button", name="Newer")).to_be_enabled()
        second = await ids(page)
        assert len({*first, *second}) == 40
        times = await page.eval_on_selector_all(".clicks time", "times => times.map(t => t.dateTime)")
        assert [datetime.fromisoformat(at) for at in times] == [event["occurred_at"] for event in site.events[20:40]]
        await site.gateway.track(page_url="https://yoursite.com/just-now")
        await expect(page.get_by_role("button", name="Show 1 new click")).to_be_visible()
        assert await ids(page) == second
        await page.get_by_role("button", name="Newer").click()
        await expect(page.locator(f"[data-click='{first[0]}']")).to_be_visible()
        await page.get_by_role("button", name="Show 1 new click").click()
        await expect(page.locator(".clicks tbody tr").first).to_contain_text("just-now")
        await expect(page.get_by_role("button", name="Newer")).to_be_disabled()


async def test_the_csv_download_contains_no_formulas(browser: Browser, site: Site) -> None:
    url = "https://yoursite.com/?aff=PARTNER123&utm_campaign=%2B1&sub_id2=a,b"
    referrer = "https://a.example/?q=1,2"
    await site.gateway.track(
        None, affiliate_url=url, page_url='=HYPERLINK("https://evil.example.com")', referrer_url=referrer
    )
    async with visiting(browser, f"{site.dashboard}/clicks?range=today", token=site.token) as page:
        await loaded(page)
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="CSV of clicks").click()
        download = await saving.value
        text = (await download.path()).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows[0]["page_url"] == '\'=HYPERLINK("https://evil.example.com")'
        assert rows[0]["referrer_url"] == referrer
        assert (rows[0]["utm_campaign"], rows[0]["sub2"], rows[0]["utm_source"]) == ("'+1", "a,b", "")
        assert len(rows) == len(await table(page, ".clicks"))
        assert download.suggested_filename.startswith("clicks-")
        await page.get_by_role("link", name="Overview").click()
        await loaded(page)
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="CSV of figures over time").click()
        text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
        assert sum(int(row["clicks"]) for row in csv.DictReader(io.StringIO(text))) == await figure(page, "clicks")


async def test_the_csv_of_clicks_has_every_click_that_is_listed(browser: Browser, site: Site) -> None:
    events = {event["id"]: event for event in site.events if event["is_bot"]}
    assert events
    for who, shown in (("all", [event["id"] for event in site.events]), ("bots", list(events))):
        async with visiting(browser, f"{site.dashboard}/clicks?range=90d&who={who}", token=site.token) as page:
            await loaded(page)
            assert len(await table(page, ".clicks")) < len(site.events)
            async with page.expect_download() as saving:
                await page.get_by_role("button", name="CSV of clicks").click()
            text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
            assert [int(row["database_id"]) for row in csv.DictReader(io.StringIO(text))] == shown
            await expect(page.get_by_role("button", name="CSV of clicks")).to_be_visible()


async def test_a_csv_that_is_broken_off_is_not_saved(browser: Browser, site: Site) -> None:
    async with visiting(browser, f"{site.dashboard}/clicks?range=30d", token=site.token) as page:
        await loaded(page)
        await site.gateway.execute(sql("ALTER TABLE affiliate_click_events RENAME TO lost"))
        await page.get_by_role("button", name="CSV of clicks").click()
        await expect(page.get_by_text("No file was made.")).to_be_visible()


async def test_a_links_url_can_be_copied(browser: Browser, site: Site) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    async with visiting(browser, site.dashboard, token=site.token, permissions=permissions) as page:
        await loaded(page)
        await page.get_by_role("button", name="Copy the URL of PARTNER123").click()
        await expect(page.get_by_role("button", name="Copied the URL of PARTNER123")).to_be_visible()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == "https://yoursite.com/pricing?aff=PARTNER123"


@pytest.mark.parametrize("role", ["program", "admin"])
async def test_owners_and_administrators_see_their_partners(browser: Browser, site: Site, role: Any) -> None:
    token = await site.gateway.token(role, **({} if role == "admin" else {"program_id": 1}))
    async with visiting(browser, f"{site.dashboard}?range=90d", token=token) as page:
        await loaded(page)
        await expect(page.get_by_role("banner")).to_contain_text(ROLES[role])
        assert await figure(page, "clicks") == len(await site.gateway.events())
        partners = await table(page, "[data-ranking=partners]")
        assert int(partners[0][1]) == len(site.events)
        await page.locator("[data-ranking=partners] button").first.click()
        await expect(page.locator("[data-figure=clicks] .figure")).to_have_text(str(len(site.events)))
