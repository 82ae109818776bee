"""Clicks over the past weeks, for charts and reports."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from db.ingest.clicks.records import Click, VisitRecord
from tests.support.committers import make_committer
from tests.support.gateways import Gateway

PAGES = ("https://yoursite.com/pricing", "https://yoursite.com/", "https://yoursite.com/features?plan=1", None)
HOSTS = ("news.example.com", "blog.example.org", None)
COUNTRIES = ("DE", "US", "FR", None)


async def record_past(gateway: Gateway, link: dict[str, Any], moments: Sequence[datetime], seed: int = 1) -> None:
    """Record a click at each of the given times, from various visitors."""
    random = Random(seed)
    clicks = [
        Click(at, link["program_id"], link["id"], link["partner_id"], _landing(link), _visit(random)) for at in moments
    ]
    committer = make_committer(gateway.store)
    await committer.commit(clicks)
    await committer.disconnect()


def hourly(end: datetime, days: int) -> list[datetime]:
    """Return timestamps at intervals of five hours, up to the end."""
    return [end - timedelta(hours=5 * number, minutes=1) for number in range(days * 24 // 5)]


def _landing(link: dict[str, Any]) -> str:
    return f"https://yoursite.com/?aff={link['code']}"


def _visit(random: Random) -> VisitRecord:
    host = random.choice(HOSTS)
    is_bot = random.random() < 0.2
    return VisitRecord(
        page_url=random.choice(PAGES),
        referrer_url=None if host is None else f"https://{host}/post?id={random.randrange(9)}",
        referrer_host=host,
        is_bot=is_bot,
        device_type="other" if is_bot else random.choice(("desktop", "mobile")),
        browser="Googlebot" if is_bot else random.choice(("Chrome", "Firefox")),
        os=None if is_bot else random.choice(("Windows", "iOS")),
        country=random.choice(COUNTRIES),
    )
