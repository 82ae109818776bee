"""The demo's visitors: their partners, times, locations and browsers.

They are generated from a fixed seed, so that every demo shows the same data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import NamedTuple

from msgspec import structs

from db.ingest.clicks.records import Click, VisitRecord
from db.lookups.link_records import KnownLink
from graph.domain.context import Context, Services
from graph.domain.enrichment import visit_record
from graph.domain.visit import Place, Visit

DAYS = 90
CLICKS_A_DAY = 60
# Relative traffic from Monday to Sunday.
WEEK = (0.9, 0.85, 0.9, 1.0, 1.25, 1.4, 1.2)
VIRAL_DAY, VIRAL_FACTOR = 57, 6.0
BOT_SHARE = 0.06
RETURNING_SHARE = 0.15


class DemoPartner(NamedTuple):
    """A partner with its link's code, its share of the visitors, and what it adds to its links, by week."""

    name: str
    code: str
    page: str
    share: float
    tags: str


PARTNERS = (
    DemoPartner(
        *("Demo partner: reviews", "PARTNER123", "https://reviews.example.com/best-of-the-year", 0.42),
        tags="utm_source=reviews&utm_medium=referral&utm_campaign=best-of-the-year",
    ),
    DemoPartner(
        *("Demo partner: newsletter", "NEWSLETTER", "https://letters.example.org/issue-48", 0.25),
        tags="utm_source=letters&utm_medium=email&utm_campaign=issue-{week}",
    ),
    DemoPartner(
        *("Demo partner: videos", "VIDEO-CHANNEL", "https://videos.example.net/unboxing", 0.21),
        tags="utm_source=videos&utm_medium=video&utm_campaign=unboxing&sub1=week-{week}",
    ),
    DemoPartner(
        *("Demo partner: coupons", "COUPON_5", "https://coupons.example.com/yoursite", 0.12),
        tags="subid=coupon-list",
    ),
)
PAGES = (("/pricing", "Pricing — YourSite"), ("/", "YourSite"), ("/features", "Features — YourSite"))
VISITORS = (
    (Place("US", "California", "San Francisco"), "en-US", "America/Los_Angeles", 5),
    (Place("US", "New York", "New York"), "en-US", "America/New_York", 5),
    (Place("DE", "Berlin", "Berlin"), "de-DE", "Europe/Berlin", 4),
    (Place("GB", "England", "London"), "en-GB", "Europe/London", 3),
    (Place("FR", "Île-de-France", "Paris"), "fr-FR", "Europe/Paris", 2),
    (Place("IN", "Maharashtra", "Mumbai"), "en-IN", "Asia/Kolkata", 2),
    (Place("BR", "São Paulo", "São Paulo"), "pt-BR", "America/Sao_Paulo", 1),
    (Place("JP", "Tokyo", "Tokyo"), "ja-JP", "Asia/Tokyo", 1),
)
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
BROWSERS = (
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "1920x1080", "1528x742", 6),
    (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {CHROME} Mobile Safari/537.36", "412x915", "412x760", 5),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
        "Mobile/15E148 Safari/604.1",
        *("393x852", "393x659", 6),
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
        "Safari/605.1.15",
        *("1512x982", "1512x860", 3),
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "2560x1440", "1280x1271", 1),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/140.0.0.0", "1366x768", "1366x641", 2),
)
BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)
# `choices` would add up weights for each click.
PARTNER_WEIGHTS = list(accumulate(partner.share for partner in PARTNERS))
VISITOR_WEIGHTS = list(accumulate(visitor[-1] for visitor in VISITORS))
BROWSER_WEIGHTS = list(accumulate(browser[-1] for browser in BROWSERS))


def click_times(random: Random, end: datetime) -> Iterator[datetime]:
    """Yield the clicks' times in order, with more in the evenings, more towards the weekend, and one viral day."""
    today = end.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(DAYS):
        day = today - timedelta(days=DAYS - 1 - number)
        growth = 0.7 + 0.6 * number / DAYS
        factor = WEEK[day.weekday()] * growth * (VIRAL_FACTOR if number == VIRAL_DAY else 1.0)
        count = round(random.gauss(CLICKS_A_DAY * factor, CLICKS_A_DAY * 0.1))
        drawn = (day + timedelta(hours=random.triangular(0, 24, 19)) for _ in range(max(count, 0)))
        yield from sorted(moment for moment in drawn if moment < end)


def placed(services: Services) -> Mapping[Place, Services]:
    """Return for each visitor's place services that find everybody there. No IP addresses are invented for them."""

    def finding(place: Place) -> Services:
        return replace(services, place=lambda _: place, kept_address=lambda _: None)

    return {place: finding(place) for place, *_ in VISITORS}


def click(
    services: Mapping[Place, Services], random: Random, known: Sequence[KnownLink], at: datetime, issued: Sequence[str]
) -> Click:
    (number,) = random.choices(range(len(PARTNERS)), cum_weights=PARTNER_WEIGHTS)
    link, page = known[number], random.choice(PAGES)
    url = f"https://yoursite.com{page[0]}"
    existing = random.choice(issued) if issued and random.random() < RETURNING_SHARE else None
    partner = PARTNERS[number]
    affiliate_url = f"{url}?aff={link.code}&{partner.tags.format(week=at.isocalendar().week)}"
    landing = Visit(affiliate_url=affiliate_url, page_url=url, page_title=page[1], existing_click_id=existing)
    visit = _visit(services, random, partner, landing)
    return Click(at, link.program_id or 0, link.id, link.partner_id or 0, affiliate_url, visit)


def _visit(services: Mapping[Place, Services], random: Random, partner: DemoPartner, landing: Visit) -> VisitRecord:
    place, language, timezone, _ = random.choices(VISITORS, cum_weights=VISITOR_WEIGHTS)[0]
    agent, screen, viewport, _ = random.choices(BROWSERS, cum_weights=BROWSER_WEIGHTS)[0]
    if random.random() < BOT_SHARE:
        agent = random.choice(BOTS)
    visit = structs.replace(
        landing,
        referrer_url=partner.page,
        session_id=f"sess_{random.getrandbits(48):012x}",
        screen_resolution=screen,
        viewport_size=viewport,
        language=language,
        timezone=timezone,
    )
    return visit_record(Context(services[place], client_address="drawn", user_agent=agent), visit)
