"""The size and content of a generated history, as SQL that both databases understand.

Sums within `||` are in parentheses, as it binds tighter than arithmetic does in SQLite, and looser in PostgreSQL.
Everything about a click follows from its number, so a size always produces the same history, and the data for a peer
has the same rows in other tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

START = datetime(2026, 8, 1, tzinfo=UTC)
# Regular visitors, who make one click in five.
REGULARS, REGULAR_EVERY = 5000, 5
PAGES = 500
STEP = 7919  # a prime, which spreads the regulars
DAY_US = 86_400_000_000
START_US = int(START.timestamp()) * 1_000_000

# The first of each is the most frequent.
BROWSERS = ("Chrome", "Mobile Safari", "Safari", "Edge", "Firefox", "Samsung Internet", "Opera", "Brave")
SYSTEMS = ("Android", "iOS", "Windows", "Mac OS X", "Linux", "Chrome OS")
DEVICES = ("mobile", "desktop", "tablet")
BRANDS = ("Apple", "Samsung", "Xiaomi", "Huawei", "Google", "Motorola", "OnePlus", "Oppo", "Sony", "Nokia")
LANGUAGES = ("de-DE", "en-US", "en-GB", "fr-FR", "es-ES", "it-IT", "nl-NL", "pl-PL", "ja-JP", "pt-BR", "tr-TR", "sv-SE")
COUNTRIES = (
    "DE", "US", "GB", "FR", "ES", "IT", "NL", "PL", "AT", "CH", "BE", "SE",
    "JP", "BR", "TR", "CA", "AU", "DK", "NO", "FI", "CZ", "PT", "IE", "RO",
)  # fmt: skip
MEDIA = ("cpc", "social", "email", "display", "affiliate", "video")
CAMPAIGNS, CAMPAIGNS_PER_LINK = 200, 5
# Odd factors, each for another field, so that fields are independent of each other.
FACTORS = {
    "link": 2654435761,
    "country": 2246822519,
    "region": 3266489917,
    "city": 668265263,
    "language": 374761393,
    "device_type": 2860486313,
    "os": 3367900313,
    "browser": 4093082899,
    "device_brand": 2971215073,
    "site": 1500450271,
    "utm_source": 3624360069,
    "utm_medium": 3039177861,
    "utm_campaign": 1812433253,
    "utm_term": 1664525005,
    "utm_content": 1103515245,
    "sub1": 2891336453,
    "sub2": 747796405,
    "sub3": 1597334677,
}


@dataclass(frozen=True, slots=True)
class Size:
    """The number of rows of each kind, and of days. A link is on a few pages, as in reality, so that the variety of a
    link's clicks does not grow with their number. With `event_ids`, each click has one."""

    events: int = 1_000_000
    customers: int = 300_000
    links: int = 1000
    partners: int = 200
    programs: int = 5
    days: int = 90
    pages_per_link: int = 4
    event_ids: int = 0

    def __post_init__(self) -> None:
        if not self.programs <= self.partners <= self.links <= self.customers <= self.others:
            raise ValueError("programs, partners, links, customers and four fifths of the events: each needs the next")
        if self.partners % self.programs or self.links % self.partners:
            raise ValueError("partners must divide evenly among programs, and links among partners")

    @property
    def others(self) -> int:
        """The number of clicks that are not by regulars."""
        return self.events - self.events // REGULAR_EVERY


def rank(number: str, field: str, count: int) -> str:
    """Return a number below `count` for a field of the click or customer with a number: small ones are frequent, large
    ones are rare, as by Zipf's law with an exponent of two thirds."""
    scattered = f"(({number}) * {FACTORS[field]} % 4294967296 / 4096)"  # below 2 ** 20
    return f"({scattered} * {scattered} * {scattered} / 1073741824 * {count} / 1073741824)"


def skewed(number: str, field: str, values: Sequence[str]) -> str:
    """Return one of several texts for a field; the first is the most frequent."""
    cases = " ".join(f"WHEN {at} THEN '{value}'" for at, value in enumerate(values))
    return f"CASE {rank(number, field, len(values))} {cases} END"


def person_of(customer: str) -> Mapping[str, str]:
    """Return the fields that all clicks of a customer share, by name."""
    country, region = skewed(customer, "country", COUNTRIES), rank(customer, "region", 12)
    return {
        "country": country,
        "region": f"{country} || '-R' || {region}",
        "city": f"{country} || '-C' || {region} || '.' || {rank(customer, 'city', 20)}",
        "language": skewed(customer, "language", LANGUAGES),
        "device_type": skewed(customer, "device_type", DEVICES),
        "os": skewed(customer, "os", SYSTEMS),
        "browser": skewed(customer, "browser", BROWSERS),
        "device_brand": skewed(customer, "device_brand", BRANDS),
    }


def parameters_of(event: str, link: str) -> Mapping[str, str]:
    """Return the parameters of a click's URL, by name: null for three clicks in ten, and some for most. A link has a
    few campaigns of its own."""
    campaign = f"(({link} * 7 + {rank(event, 'utm_campaign', CAMPAIGNS_PER_LINK)}) % {CAMPAIGNS})"
    values = {
        "utm_source": f"'source-' || {rank(event, 'utm_source', 30)}",
        "utm_medium": skewed(event, "utm_medium", MEDIA),
        "utm_campaign": f"'campaign-' || {campaign}",
        "utm_term": f"CASE WHEN {event} % 4 = 0 THEN 'term-' || {rank(event, 'utm_term', 1000)} END",
        "utm_content": f"CASE WHEN {event} % 3 = 0 THEN 'content-' || {rank(event, 'utm_content', 50)} END",
        "sub1": f"'placement-' || {rank(event, 'sub1', 500)}",
        "sub2": f"CASE WHEN {event} % 2 = 0 THEN 'creative-' || {rank(event, 'sub2', 2000)} END",
        "sub3": f"CASE WHEN {event} % 5 = 0 THEN 'test-' || {rank(event, 'sub3', 10)} END",
    }
    return {name: f"CASE WHEN {event} % 10 > 2 THEN {value} END" for name, value in values.items()}


def referrer_host_of(event: str) -> str:
    """Return the host that a click's visitor came from."""
    return f"'site' || {rank(event, 'site', 300)} || '.example.net'"


def referrer_of(event: str) -> str:
    """Return the URL that a click's visitor came from."""
    return f"'https://' || {referrer_host_of(event)} || '/search?q=' || ({event} % 1000)"


def code_of(link: str) -> str:
    """Return a link's code, from CODE0000 on."""
    return f"'CODE' || substr(CAST(10000 + ({link}) - 1 AS text), 2)"


def partner_of(link: str, size: Size) -> str:
    """Return the number of a link's partner."""
    return f"(({link}) % {size.partners} + 1)"


def program_of(partner: str, size: Size) -> str:
    """Return the number of a partner's only program."""
    return f"(({partner}) % {size.programs} + 1)"


def link_of(customer: str, size: Size) -> str:
    """Return the number of the link that all of a customer's clicks came through. Link 1 has the most."""
    return f"({rank(customer, 'link', size.links)} + 1)"


def click_id_of(customer: str) -> str:
    """Return a customer's `click_id`."""
    return f"'cust_' || ({customer}) || '_' || (1715000000000 + ({customer}))"


def event_id_of(event: str, size: Size) -> str:
    """Return a click's `event_id`, if it has one: as long as a UUID, and as random in order."""
    if not size.event_ids:
        return "NULL"
    scattered = f"({event} * 2654435761 % 4294967296)"  # unique, since the factor is odd
    return f"substr(CAST(10000000000 + {scattered} AS text), 2) || '-4000-8000-5f3c1d2e4a6b0001'"


def microseconds_of(event: str, size: Size) -> str:
    """Return a click's time in microseconds since 1970, which increases with its number and spreads over the days."""
    apart = size.days * DAY_US // size.events
    return f"({START_US} + {event} * {apart} - {apart // 2})"


def page_of(event: str, link: str, size: Size) -> str:
    """Return the URL of the page with a click's link."""
    number = f"(({link}) * {size.pages_per_link} + {event} / 7 % {size.pages_per_link}) % {PAGES}"
    return f"'https://reviews.example.org/article-' || ({number})"


def customer_of(event: str, size: Size) -> str:
    """Return the number of a click's customer. New customers are spread evenly over time, in the order of their
    numbers; all others have clicked before."""
    turn = f"({event} - {event} / {REGULAR_EVERY})"
    known, before = (f"(({turn} - {less}) * {size.customers} + {size.others - 1}) / {size.others}" for less in (0, 1))
    return f"""CASE
        WHEN {event} % {REGULAR_EVERY} = 0
            THEN {event} / {REGULAR_EVERY} % CASE WHEN {known} < {REGULARS} THEN {known} ELSE {REGULARS} END + 1
        WHEN {known} > {before} THEN {known}
        ELSE {turn} * {STEP} % ({known}) + 1
    END"""
