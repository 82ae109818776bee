"""A sample of clicks and conversions on a running gateway, to be broken down over HTTP and recounted in Python."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from msgspec import structs
from sqlalchemy import update

from db.ingest.clicks.records import Click, Receipt, VisitRecord
from db.ingest.conversions.records import NewLead, NewSale
from db.outbox.runner import ConsumerRunner
from db.schema.links import ReferralLink
from gateway.consumers import consumers
from gateway.services import now
from graph.domain.derived_fields import derived_fields
from graph.query.global_ids import encode_id
from tests.support.committers import make_committer
from tests.support.gateways import Gateway

MONDAY = datetime(2026, 5, 4, 22, 30, tzinfo=UTC)
PERIOD = 'from: "2026-05-01T00:00:00Z", to: "2026-06-01T00:00:00Z"'
# Code, program and partner, by position. The last link is Bob's by now; its clicks are Ann's.
LINKS = (("A1", 1, 1), ("B1", 1, 2), ("A2", 2, 1), ("MOVED", 1, 1))
CAMPAIGNS = ("?aff=x", "?aff=x&utm_campaign=spring", "?aff=x&utm_campaign=Spring")
PAGES = ("https://shop.example/", "https://shop.example/sale?x=1", "https://other.example/Ä", None)
PLACES = (("DE", "mobile"), ("DE", "desktop"), ("US", "mobile"), (None, None), ("FR", "tv"))


# So many clicks are in segments before the others are recorded.
FOLDED = 20


@dataclass(frozen=True, slots=True)
class SampleClick:
    """A click of the sample; the customer is named by its `click_id`."""

    at: datetime
    link: int
    visit: Any
    campaign: str | None
    customer: str

    @property
    def key(self) -> dict[str, Any]:
        """The click's values by the names of their dimensions; ids for programs, partners and links."""
        _, program_id, partner_id = LINKS[self.link - 1]
        return {
            "PROGRAM": program_id,
            "PARTNER": partner_id,
            "LINK": self.link,
            "COUNTRY": self.visit.country,
            "DEVICE_TYPE": self.visit.device_type,
            "LANDING_PAGE": (self.visit.page_url or PAGES[0]).split("?")[0],
            "UTM_CAMPAIGN": self.campaign,
            "HOUR_OF_DAY": f"{self.at.hour:02}",
            "DAY_OF_WEEK": self.at.strftime("%A").upper(),
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """A gateway with the sample, as an administrator sees it unless another token is given."""

    gateway: Gateway
    clicks: Sequence[SampleClick]
    admin: str
    ann: str
    beta: str
    """The tokens of an administrator, of the partner Ann, and of the program Beta."""

    async def answer(self, selection: str, *, filter: str = "", token: str | None = None, more: str = "") -> Any:
        """Return the whole answer to a report of all clicks."""
        given = f"{PERIOD}, {more}" + (f", filter: {{{filter}}}" if filter else "")
        return await self.gateway.graphql(f"{{ clickReport({given}) {{ {selection} }} }}", token=token or self.admin)

    async def report(self, selection: str, **options: Any) -> Any:
        """Return a report of all clicks, which must have no errors."""
        answer = await self.answer(selection, **options)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]["clickReport"]

    def count(self, *by: str, of: Callable[[SampleClick], bool] = lambda click: True) -> dict[tuple[Any, ...], int]:
        """Return the number of clicks of each combination of values."""
        found: dict[tuple[Any, ...], int] = {}
        for click in filter(of, self.clicks):
            key = tuple(click.key[dimension] for dimension in by)
            found[key] = found.get(key, 0) + 1
        return found


async def make_sample(gateway: Gateway) -> Sample:
    """Record the sample. Some clicks are made by customers who clicked before in the same program."""
    for name in ("Alpha", "Beta"):
        await gateway.program(name=name)
    for name in ("Ann", "Bob"):
        await gateway.partner(name=name)
    for code, program_id, partner_id in LINKS:
        await gateway.link(code, program={"id": program_id}, partner={"id": partner_id})
    committer = make_committer(gateway.store)
    clicks: list[SampleClick] = []
    for number, wanted in enumerate(_wanted()):
        if number == FOLDED:
            await _fold(gateway)
        known = [click.customer for click in clicks if LINKS[click.link - 1][1] == wanted.program_id]
        existing = known[len(clicks) // 2] if len(clicks) % 4 == 3 and len(known) > len(clicks) // 2 else None
        visit = structs.replace(wanted.visit, existing_click_id=existing)
        (receipt,) = await committer.commit([structs.replace(wanted, visit=visit)])
        assert isinstance(receipt, Receipt)
        campaign = wanted.affiliate_url.partition("utm_campaign=")[2] or None
        clicks.append(SampleClick(wanted.received_at, wanted.link_id, visit, campaign, receipt.click_id))
    ours = [click.customer for click in clicks if LINKS[click.link - 1][1] == 1]
    for number, customer in enumerate(dict.fromkeys(ours)):
        at = MONDAY + timedelta(days=2, minutes=number)
        await committer.commit([NewLead(at, 1, (customer,), "signup")])
        if number % 3 == 0:
            sale = NewSale(at, 1, f"t{number}", 1000 + number, click_id=customer, currency=("USD", "EUR")[number % 2])
            await committer.commit([sale])
    await committer.disconnect()
    await gateway.execute(update(ReferralLink).where(ReferralLink.code == "MOVED").values(partner_id=2))
    tokens = [
        await gateway.token(),
        await gateway.token("partner", partner_id=1),
        await gateway.token("program", program_id=2),
    ]
    return Sample(gateway, clicks, *tokens)


async def _fold(gateway: Gateway) -> None:
    """Have everything that is recorded so far in rollups and segments."""
    for consumer in consumers(gateway.store):
        runner = ConsumerRunner(gateway.store, consumer, clock=now)
        await runner.run_all()
        await runner.close()


def _wanted() -> Iterable[Click]:
    """Yield the clicks to record."""
    for number, (link, (country, device), page) in enumerate(product(range(1, 5), PLACES, PAGES)):
        if (link + number) % 3 == 0:
            continue
        _, program_id, partner_id = LINKS[link - 1]
        url = PAGES[0] + CAMPAIGNS[number % len(CAMPAIGNS)]
        sent = {"country": country, "device_type": device, "page_url": page, "is_bot": number % 5 == 0}
        visit = VisitRecord(**sent, **derived_fields(url, page, None))
        yield Click(MONDAY + timedelta(hours=number // 4), program_id, link, partner_id, url, visit)


def key_values(row: Any) -> tuple[Any, ...]:
    """Return the values of a row's keys."""
    return tuple(key["value"] for key in row["keys"])


def global_ids(type_name: str, *ids: int) -> str:
    """Return ids as a list in the syntax of a document."""
    return "[" + ", ".join(f'"{encode_id(type_name, id)}"' for id in ids) + "]"
