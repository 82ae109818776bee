"""Clicks that differ in everything that the dashboard can be filtered by, some of them by visitors who came before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote

from db.ingest.clicks.records import Click, VisitRecord
from graph.domain.derived_fields import derived_fields
from tests.support.committers import make_committer
from tests.support.gateways import Gateway

COUNTRIES = ("DE", "US", "FR", None)
CITIES = (*(f"City {letter}" for letter in "ABCDEFGHIJKLMN"), None)
DEVICES = ("desktop", "mobile", "tablet")
BROWSERS = tuple(f"Browser {number}" for number in range(11))
CAMPAIGNS = ("spring", "=SUM(A1)", None)
SECONDS = 1200


async def record_varied(gateway: Gateway, link: dict[str, Any], until: datetime, count: int = 300) -> None:
    """Record clicks up to a time, half of them by new visitors, then half by those."""
    random = Random(7)
    moments = [until - timedelta(seconds=SECONDS * number + 1) for number in range(count)]
    committer = make_committer(gateway.store)
    await committer.commit([_click(link, at, random, [None]) for at in moments[: count // 2]])
    known = sorted(customer["click_id"] for customer in await gateway.customers())
    await committer.commit([_click(link, at, random, known) for at in moments[count // 2 :]])
    await committer.disconnect()


def _click(link: dict[str, Any], at: datetime, random: Random, visitors: Sequence[str | None]) -> Click:
    campaign, existing = random.choice(CAMPAIGNS), random.choice(visitors)
    url = f"https://yoursite.com/?aff={link['code']}" + (f"&utm_campaign={quote(campaign)}" if campaign else "")
    page_url = f"https://yoursite.com/{random.choice('xyz')}"
    visit = VisitRecord(
        existing_click_id=existing,
        page_url=page_url,
        is_bot=random.random() < 0.1,
        device_type=random.choice(DEVICES),
        browser=random.choice(BROWSERS),
        country=random.choice(COUNTRIES),
        city=random.choice(CITIES),
        **derived_fields(url, page_url, None),
    )
    return Click(at, link["program_id"], link["id"], link["partner_id"], url, visit)
