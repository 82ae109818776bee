"""The size and content of a generated history, as SQL that both databases understand.

Everything about a click follows from its number, so a size always produces the same history, and the data for a peer
has the same rows in other tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

START = datetime(2026, 8, 1, tzinfo=UTC)
# Regular visitors, who make one click in five.
REGULARS, REGULAR_EVERY = 5000, 5
PAGES = 500
STEP = 7919  # a prime, which spreads the regulars
DAY_US = 86_400_000_000
START_US = int(START.timestamp()) * 1_000_000

BROWSERS = ("Chrome", "Safari", "Firefox", "Edge")
SYSTEMS = ("Windows", "iOS", "Android", "Mac OS X")
DEVICES = ("desktop", "mobile")
COUNTRIES = ("DE", "US", "GB", "FR", "JP")
CITIES = ("Berlin", "Boston", "London", "Paris", "Tokyo")
STATUSES = ("click", "click", "click", "signup", "sale")


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


def pick(number: str, values: Sequence[str]) -> str:
    """Return one of several texts, selected by a number."""
    cases = " ".join(f"WHEN {at} THEN '{value}'" for at, value in enumerate(values))
    return f"CASE {number} % {len(values)} {cases} END"


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
    """Return the number of the link that all of a customer's clicks came through."""
    return f"(({customer}) % {size.links} + 1)"


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
