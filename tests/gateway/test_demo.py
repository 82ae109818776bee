"""The demo, as a user sees it after starting `clickgate demo`."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser
from sqlalchemy import func, select

from db.audit.report import audit
from db.engine.store import Store
from db.schema.clicks import ClickEvent
from db.schema.commissions import Commission, CommissionRule, Payout
from db.schema.conversions import LeadEvent, Refund, Sale
from gateway.configuration.errors import NotEmpty
from gateway.configuration.settings import Settings
from gateway.demo import page_templates, seed_data
from gateway.demo.conversions import PRODUCTS
from gateway.demo.visitors import PARTNERS, VIRAL_DAY
from gateway.services import now
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import clickgate, serving

pytestmark = pytest.mark.slow

REPORT = """query ($from: DateTime!, $to: DateTime!) {
  viewer { role }
  clickReport(from: $from, to: $to) {
    clicks bots
    series(interval: DAY) { clicks }
    countries: top(by: COUNTRY, limit: 50) { value }
    referrers: top(by: REFERRER, limit: 50) { value }
    devices: top(by: DEVICE, limit: 50) { value }
    browsers: top(by: BROWSER, limit: 50) { value }
    partners: top(by: PARTNER, limit: 50) { clicks }
  }
}"""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A running demo, and the tokens that it printed for a partner, the program and an administrator."""

    url: str
    secrets: list[str]

    async def report(self, secret: str) -> dict[str, Any]:
        tomorrow = now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        span = {"from": (tomorrow - timedelta(days=90)).isoformat(), "to": tomorrow.isoformat()}
        async with httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {secret}"}) as http:
            answer = await http.post("/graphql", json={"query": REPORT, "variables": span})
        return dict(answer.json())


@asynccontextmanager
async def demonstration(database_url: str, log: Path) -> AsyncIterator[Demonstration]:
    log.write_text("")
    async with serving(database_url, command="demo", log=log) as (_, url):
        printed = log.read_text()
        assert f"{url}/demo/shop" in printed
        yield Demonstration(url, re.findall(rf"{url}/dashboard#token=(\S+)", printed))


async def test_the_demo_shows_ninety_days_of_clicks_to_each_role(database_url: str, tmp_path: Path) -> None:
    async with demonstration(database_url, tmp_path / "log") as first:
        answers = [(await first.report(secret))["data"] for secret in first.secrets]
    assert [answer["viewer"]["role"] for answer in answers] == ["PARTNER", "PROGRAM", "ADMIN"]
    part, whole, everything = (answer["clickReport"] for answer in answers)
    assert 0 < part["clicks"] < whole["clicks"] == everything["clicks"]
    assert 0.02 < whole["bots"] / whole["clicks"] < 0.1
    days = [day["clicks"] for day in whole["series"]]
    assert len(days) == 90
    assert days.index(max(days)) == VIRAL_DAY
    assert max(days) > 4 * median(days)
    assert {name: len(whole[name]) for name in ("countries", "referrers", "partners")} == {
        "countries": 7,
        "referrers": len(PARTNERS),
        "partners": len(PARTNERS),
    }
    assert len(whole["devices"]) >= 2
    assert len(whole["browsers"]) >= 4


async def test_the_conversions_are_believable_and_agree_with_the_audit(database_url: str) -> None:
    await seed_data.fill(Settings(database_url=database_url))
    store = Store(database_url)
    try:
        assert not (await audit(store)).differences
        async with store.read() as connection:
            people, leads, sales, refunds, products, rules, payouts = [
                await connection.scalar(statement) or 0
                for statement in (
                    select(func.count()).select_from(ClickEvent).where(ClickEvent.is_bot.is_(False)),
                    select(func.count()).select_from(LeadEvent),
                    select(func.count()).select_from(Sale),
                    select(func.count()).select_from(Refund),
                    select(func.count(Sale.product_id.distinct())),
                    select(func.count(CommissionRule.event.distinct())),
                    select(func.count()).select_from(Payout),
                )
            ]
            statuses = set(await connection.scalars(select(Commission.status).distinct()))
    finally:
        await store.close()
    assert 0.04 < leads / people < 0.08
    assert 0.01 < sales / people < 0.03
    assert (refunds > 0, products, rules, payouts) == (True, len(PRODUCTS), 2, 2)
    assert {"paid", "pending"} <= statuses


async def test_a_second_run_keeps_the_data_and_replaces_the_tokens(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    url = make_sqlite()
    async with demonstration(url, tmp_path / "log") as first:
        before = (await first.report(first.secrets[2]))["data"]["clickReport"]["clicks"]
    async with demonstration(url, tmp_path / "log") as second:
        assert len({*first.secrets, *second.secrets}) == 6
        answers = [await second.report(secret) for secret in second.secrets]
        assert [answer["data"]["viewer"]["role"] for answer in answers] == ["PARTNER", "PROGRAM", "ADMIN"]
        assert answers[2]["data"]["clickReport"]["clicks"] == before
        for secret in first.secrets:
            assert (await second.report(secret))["errors"]


async def test_traffic_rises_towards_the_weekend(make_sqlite: MakeDatabase) -> None:
    days = Counter(event["occurred_at"].date() for event in await filled(make_sqlite()))
    usual = [median(days[day] for day in days if day.weekday() == weekday) for weekday in range(7)]
    assert min(usual[4:]) > max(usual[:3])


async def test_every_demo_has_the_same_clicks(make_sqlite: MakeDatabase) -> None:
    """Clicks later today are left out, because they depend on the current time."""
    varying = {"occurred_at", "created_at", "id", "customer_id", "existing_click_id"}
    one, other = [await filled(make_sqlite()) for _ in range(2)]
    length = min(len(one), len(other))
    assert length > 5000
    for event, twin in zip(one[:length], other[:length], strict=True):
        assert {name: event[name] for name in event.keys() - varying} == {
            name: twin[name] for name in twin.keys() - varying
        }


async def filled(database_url: str) -> list[dict[str, Any]]:
    """Fill a database, and return its clicks in order."""
    await seed_data.fill(Settings(database_url=database_url))
    store = Store(database_url)
    async with store.read() as connection:
        rows = await connection.execute(select(ClickEvent.__table__).order_by(ClickEvent.occurred_at, ClickEvent.id))
        events = [row._asdict() for row in rows]
    await store.close()
    return events


async def test_a_demo_with_a_paused_link_is_still_recognised(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    before = await filled(url)
    assert clickgate(url, "link", "pause", PARTNERS[0].code).returncode == 0
    assert len(await filled(url)) == len(before)


async def test_the_demo_refuses_a_database_with_other_data(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    await make_link(url, "SOMEBODYS")
    with pytest.raises(NotEmpty):
        await filled(url)


async def test_the_shop_shows_what_the_tracker_does(
    make_sqlite: MakeDatabase, browser: Browser, tmp_path: Path
) -> None:
    async with demonstration(make_sqlite(), tmp_path / "log") as running:
        page = await browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        state = page.locator("#state")
        await page.goto(f"{running.url}/demo/shop")
        await state.get_by_text("Nothing yet").wait_for()
        for partner in PARTNERS:
            await page.get_by_role("link", name=partner.name).click()
            await state.get_by_text("sent a click").wait_for()
            await state.get_by_text(partner.name).wait_for()
        click_id = await page.locator("#click-id").text_content()
        for name in ("Features", "Pricing", "Notebooks"):
            await page.get_by_label("Shop").get_by_role("link", name=name).click()
            await state.get_by_text("still attributed").wait_for()
            assert await page.locator("#click-id").text_content() == click_id
        await page.get_by_role("button", name="Forget me").click()
        await state.get_by_text("Nothing yet").wait_for()
        assert not faults


async def test_a_gateway_outside_the_demo_has_no_shop(make_sqlite: MakeDatabase) -> None:
    async with serving(make_sqlite()) as (_, url), httpx.AsyncClient(base_url=url) as http:
        for path in ("/demo/shop", "/demo/shop/pricing", "/demo/shop/assets/shop.css"):
            assert (await http.get(path)).status_code == 404


def test_the_shop_links_to_each_partner() -> None:
    layout = (page_templates.FOLDER / "layout.html").read_text()
    assert re.findall(r'href="\?aff=(\S+)">([^<]+)<', layout) == [(partner.code, partner.name) for partner in PARTNERS]
