"""Random histories of conversions in a report world, and what they add up to in plain Python: counted from the tables
of leads, sales, refunds and commissions, independently of bookings and rollups."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from msgspec import structs
from sqlalchemy import delete, insert, select, update

from db.ingest.clicks.records import Receipt
from db.ingest.conversions.records import NewLead, NewRefund, NewSale, SaleRecorded
from db.outbox.consumers import add_consumer
from db.outbox.runner import ConsumerRunner
from db.rollups.aggregator import ConversionAggregator
from db.schema.commissions import Commission, CommissionRule, ConversionSum
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from db.schema.rollups import ConversionBooking, ConversionRollup
from graph.domain import commissions
from graph.domain.conversion_errors import CommissionSettled
from graph.domain.money import Money
from graph.reports.requests import Counts, Top
from tests.support.report_world import LINKS, VALUES, Event, World, click, ranked

SINCE = datetime(2000, 1, 1, tzinfo=UTC)
RULES: Sequence[dict[str, Any]] = (
    {"program_id": 1, "event": "sale", "kind": "percent", "basis_points": 2000},
    {"program_id": 1, "event": "sale", "kind": "fixed", "amount": 70, "currency": "EUR", "partner_id": 2},
    {"program_id": 1, "event": "lead", "kind": "fixed", "amount": 5, "currency": "USD"},
    {"program_id": 2, "event": "sale", "kind": "percent", "basis_points": 3333},
)
CONVERSION_TABLES = (ConversionRollup, ConversionBooking, ConversionSum, Refund, Commission, Sale, LeadEvent)


class Step(NamedTuple):
    """Something that happens `later` than what it follows: the click, sale or commission whose number is `of`, counted
    from the first and around the end."""

    kind: str
    of: int
    later: timedelta
    amount: int
    currency: str


async def prepare(world: World) -> None:
    """Give both programs commission rules, the second one provisional leads, and the conversions their consumer."""
    names = ("partner_id", "amount", "currency", "basis_points")
    async with world.store.write() as connection:
        rules = [{**dict.fromkeys(names), "effective_from": SINCE, **rule} for rule in RULES]
        await connection.execute(insert(CommissionRule), rules)
        await connection.execute(update(Program).values(cookie_window_days=365))
        await connection.execute(update(Program).where(Program.id == 2).values(lead_auth="server"))
    await add_consumer(world.store, ConversionAggregator(world.store))


def conversion_aggregation(world: World, *, portion_events: int = 1000) -> ConsumerRunner:
    """Return what adds conversions to their rollups."""
    consumer = ConversionAggregator(world.store, pause_seconds=0)
    return ConsumerRunner(world.store, consumer, clock=lambda: datetime.now(UTC), portion_events=portion_events)


async def forget_conversions(world: World) -> None:
    """Delete all conversions and everything derived from them."""
    async with world.store.write() as connection:
        for table in CONVERSION_TABLES:
            await connection.execute(delete(table))
        for counted in (ReferralLink, PartnerProgram):
            await connection.execute(update(counted).values(leads=0, sales=0))


class History:
    """Lets steps happen in a world, and keeps what later ones follow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clicks: list[tuple[str, int, datetime]] = []
        self._sales: list[tuple[int, str, datetime]] = []
        self._number = 0

    async def click(self, visits: Iterable[tuple[datetime, int, dict[str, Any]]]) -> None:
        """Record a batch of clicks."""
        clicks = [(at, link, click(at, link, **visit)) for at, link, visit in visits]
        receipts = await self._world.committer.commit([one for _, _, one in clicks])
        for (at, link, _), receipt in zip(clicks, receipts, strict=True):
            assert isinstance(receipt, Receipt)
            self._clicks.append((receipt.click_id, LINKS[link - 1][0], at))

    async def convert(self, steps: Sequence[Step]) -> None:
        """Record a batch of conversions, then reject commissions."""
        records = [record for step in steps if (record := self._record(step)) is not None]
        outcomes = await self._world.committer.commit(records) if records else ()
        for record, outcome in zip(records, outcomes, strict=True):
            assert not isinstance(outcome, Exception)
            if isinstance(record, NewSale) and isinstance(outcome, SaleRecorded):
                self._sales.append((record.program_id, record.transaction_id, record.occurred_at or record.received_at))
        for step in steps:
            if step.kind == "reject":
                await self._reject(step.of)

    def _record(self, step: Step) -> NewLead | NewSale | NewRefund | None:
        self._number += 1
        if step.kind == "refund":
            if not self._sales:
                return None
            program_id, transaction_id, at = self._sales[step.of % len(self._sales)]
            return NewRefund(at + step.later, program_id, transaction_id, step.amount or None)
        if step.kind == "reject" or not self._clicks:
            return None
        click_id, program_id, clicked_at = self._clicks[step.of % len(self._clicks)]
        at = clicked_at + step.later
        if step.kind in ("lead", "browser lead"):
            proven = program_id if step.kind == "lead" else None
            return NewLead(at, proven, (click_id,), f"event {step.amount % 3}")
        sold = {"amount": step.amount + 1, "currency": step.currency, "click_id": click_id}
        happened = {"occurred_at": at} if step.amount % 2 else {}
        received_at = at + timedelta(days=2) if happened else at
        return NewSale(received_at, program_id, f"t{self._number}", **sold, **happened)  # type: ignore[arg-type]

    async def _reject(self, number: int) -> None:
        async with self._world.store.read() as connection:
            found = await connection.execute(select(Commission.program_id, Commission.id).order_by(Commission.id))
            ids = list(found.all())
        if ids:
            with suppress(CommissionSettled):
                program_id, commission_id = ids[number % len(ids)]
                await commissions.reject(self._world.context, program_id, [commission_id], "a test")


async def facts(world: World) -> Sequence[Event]:
    """Return the clicks that conversions are attributed to, each once for everything that happened, with its time as
    `occurred_at` and what it adds to `sums`."""
    async with world.store.read() as connection:

        async def rows(table: Any) -> Sequence[Any]:
            return (await connection.execute(select(table.__table__))).all()

        leads, sales, refunds, commissions = [await rows(table) for table in (LeadEvent, Sale, Refund, Commission)]
    clicks = {(event["program_id"], event["id"]): event for event in await world.events()}
    sold = {(sale.program_id, sale.id): sale for sale in sales}
    signed_up = {(lead.program_id, lead.id): lead for lead in leads}
    earned = {(one.program_id, one.id): one for one in commissions if one.status != "rejected"}
    found: list[Event] = []

    def add(row: Any, event_id: int, at: datetime, currency: str = "", **sums: int) -> None:
        place = {"partner_id": row.partner_id, "link_id": row.link_id, "occurred_at": at}
        found.append({**clicks[row.program_id, event_id], **place, "currency": currency, "sums": sums})

    for lead in leads:
        if lead.confirmed_at is not None:
            add(lead, lead.click_event_id, lead.confirmed_at, leads=1)
    for sale in sales:
        add(sale, sale.click_event_id, sale.occurred_at, sale.currency, sales=1, revenue=sale.amount)
    for refund in refunds:
        event_id = sold[refund.program_id, refund.sale_id].click_event_id
        add(refund, event_id, refund.created_at, refund.currency, revenue=-refund.amount)
        if (commission := earned.get((refund.program_id, refund.commission_id))) is not None:
            add(refund, event_id, refund.created_at, commission.currency, earnings=-refund.clawback)
    for one in earned.values():
        event = sold.get((one.program_id, one.sale_id)) or signed_up[one.program_id, one.lead_id]
        add(one, event.click_event_id, one.occurred_at, one.currency, earnings=one.amount)
    return found


def converted(counts: Counts, found: Iterable[Event]) -> Counts:
    """Return counts of clicks with what facts add up to."""
    sums: Counter[str] = Counter()
    amounts: dict[str, Counter[str]] = {"revenue": Counter(), "earnings": Counter()}
    for fact in found:
        for name, number in fact["sums"].items():
            if name in amounts:
                amounts[name][fact["currency"]] += number
            else:
                sums[name] += number
    listed = {
        name: tuple(Money(total, currency) for currency, total in sorted(totals.items()) if total)
        for name, totals in amounts.items()
    }
    return structs.replace(counts, leads=sums["leads"], sales=sums["sales"], **listed)


def ranked_with_conversions(
    events: Sequence[Event], found: Sequence[Event], top: Top
) -> list[tuple[str | None, Counts]]:
    """Return the values with most clicks, then those without clicks that have conversions, with their counts."""
    value = VALUES[top.by]
    by_value: dict[str | None, list[Event]] = {}
    for fact in found:
        by_value.setdefault(value(fact) or None, []).append(fact)
    best = [(one, converted(counts, by_value.get(one, []))) for one, counts in ranked(events, top)]
    clicked = {value(event) or None for event in events}
    others = [(one, converted(Counts(), listed)) for one, listed in by_value.items() if one not in clicked]
    others = [each for each in others if each[1] != Counts()]
    others.sort(key=lambda each: (-each[1].sales, -each[1].leads, each[0] is None, each[0] or ""))
    return [*best, *others][: top.limit]
