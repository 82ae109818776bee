"""The changes of a batch of conversions before they are written: new rows, counters, sums, and outbox ranges."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from db.ingest.conversions.attribution import AttributedClick
from db.ingest.conversions.bookings import Amounts, Attribution, Bookings, Occasion
from db.ingest.conversions.commissions import Earning
from db.ingest.conversions.state import CommissionState, LeadState, SaleState
from db.outbox.conditions import LEAD, REFUND, SALE
from db.sql.batch_statements import RowValues


@dataclass(slots=True)
class Tallies:
    """Counters and sums, added up and written once at the end of the transaction, since many transactions update the
    same rows."""

    leads: dict[tuple[int, int, int], int] = field(default_factory=lambda: defaultdict(int))
    """New leads by program, partner and link."""
    sales: dict[tuple[int, int, int], int] = field(default_factory=lambda: defaultdict(int))
    revenue: dict[tuple[int, int, int, str], int] = field(default_factory=lambda: defaultdict(int))
    """By program, partner, link and currency."""
    earnings: dict[tuple[int, int, int, str], int] = field(default_factory=lambda: defaultdict(int))
    events: list[tuple[str, int, int]] = field(default_factory=list)
    """The kind, id and program of everything that was recorded."""

    def add(self, other: "Tallies") -> None:
        """Add the tallies of another part of the batch."""
        for own, more in (
            (self.leads, other.leads),
            (self.sales, other.sales),
            (self.revenue, other.revenue),
            (self.earnings, other.earnings),
        ):
            for key, number in more.items():
                own[key] += number  # type: ignore[index]  # the keys of both are of the same type
        self.events += other.events

    @property
    def of_links(self) -> Sequence[RowValues]:
        """Return, for each link in order: its id, new leads and new sales."""
        keys = sorted({(link, program, partner) for program, partner, link in (*self.leads, *self.sales)})
        sums: dict[int, list[int]] = {}
        for link, program, partner in keys:
            counted = sums.setdefault(link, [0, 0])
            counted[0] += self.leads.get((program, partner, link), 0)
            counted[1] += self.sales.get((program, partner, link), 0)
        return [(link, *counted) for link, counted in sums.items()]

    @property
    def of_memberships(self) -> Sequence[RowValues]:
        """Return, for each membership in order: program, partner, new leads and new sales."""
        sums: dict[tuple[int, int], list[int]] = {}
        for program, partner, link in sorted({*self.leads, *self.sales}):
            counted = sums.setdefault((program, partner), [0, 0])
            counted[0] += self.leads.get((program, partner, link), 0)
            counted[1] += self.sales.get((program, partner, link), 0)
        return [(*key, *counted) for key, counted in sums.items()]

    @property
    def of_sums(self) -> Sequence[RowValues]:
        """Return, in order: program, partner, link, currency, and what is added to revenue and earnings, or None where
        this currency had no sale or no commission."""
        keys = sorted({*self.revenue, *self.earnings})
        return [(*key, self.revenue.get(key), self.earnings.get(key)) for key in keys]

    @property
    def ranges(self) -> Sequence[RowValues]:
        """Return the outbox's rows: kind, program, first id, last id and their number."""
        return [row for kind in (LEAD, SALE, REFUND) for row in _ranges(kind, self.events)]


def _ranges(kind: str, events: Iterable[tuple[str, int, int]]) -> Iterable[RowValues]:
    """Yield ranges of one program's ids. Any other id within a range belongs to this batch too, in another program."""
    ids = sorted((id, program) for one, id, program in events if one == kind)
    placed = sorted((program, id - place, id) for place, (id, program) in enumerate(ids))
    for (program, _), run in groupby(placed, key=lambda row: row[:2]):
        found = [id for _, _, id in run]
        yield kind, program, found[0], found[-1], len(found)


@dataclass(slots=True)
class Changes:
    """New rows and tallies. Changes of stored rows are marked in their states."""

    tallies: Tallies = field(default_factory=Tallies)
    leads: list[LeadState] = field(default_factory=list)
    confirmed: list[LeadState] = field(default_factory=list)
    """Provisional leads of earlier batches."""
    sales: list[SaleState] = field(default_factory=list)
    refunds: list[RowValues] = field(default_factory=list)
    commissions: list[CommissionState] = field(default_factory=list)
    bookings: Bookings = field(default_factory=Bookings)

    def count_lead(self, lead: LeadState, click: AttributedClick, at: datetime) -> None:
        """Count a lead that is not provisional, or has been confirmed."""
        occasion = self._occasion(LEAD, lead, at)
        self.tallies.leads[lead.program_id, click.partner_id, click.link_id] += 1
        self.bookings.add(occasion, _credit(click), Amounts(leads=1))

    def count_sale(self, sale: SaleState, at: datetime) -> None:
        """Count a sale and its revenue."""
        occasion, place = self._occasion(SALE, sale, at), (sale.program_id, sale.partner_id, sale.link_id)
        self.tallies.sales[place] += 1
        self.tallies.revenue[*place, sale.currency] += sale.amount
        self.bookings.add(occasion, _credit(sale), Amounts(sales=1, revenue=sale.amount), sale.currency)

    def count_refund(self, refund: Occasion, sale: SaleState, amount: int) -> None:
        """Count a refund's amount against the revenue."""
        self.tallies.revenue[sale.program_id, sale.partner_id, sale.link_id, sale.currency] -= amount
        self.tallies.events.append((REFUND, refund.id, refund.program_id))
        self.bookings.add(refund, _credit(sale), Amounts(revenue=-amount), sale.currency)

    def count_earning(
        self, event: LeadState | SaleState, click: AttributedClick, earning: Earning, at: datetime
    ) -> None:
        """Count what a partner earned by a lead or a sale."""
        kind = SALE if isinstance(event, SaleState) else LEAD
        occasion = Occasion(event.program_id, kind, event.id, at)
        self.tallies.earnings[event.program_id, click.partner_id, click.link_id, earning.currency] += earning.amount
        self.bookings.add(occasion, _credit(click), Amounts(earnings=earning.amount), earning.currency)

    def count_clawback(self, refund: Occasion, sale: SaleState, currency: str, amount: int) -> None:
        """Count what a refund took off a sale's commission."""
        self.tallies.earnings[sale.program_id, sale.partner_id, sale.link_id, currency] -= amount
        self.bookings.add(refund, _credit(sale), Amounts(earnings=-amount), currency)

    def _occasion(self, kind: str, event: LeadState | SaleState, at: datetime) -> Occasion:
        self.tallies.events.append((kind, event.id, event.program_id))
        return Occasion(event.program_id, kind, event.id, at)


def _credit(attributed: AttributedClick | SaleState) -> Attribution:
    event_id = attributed.click_event_id if isinstance(attributed, SaleState) else attributed.event_id
    return Attribution(attributed.partner_id, attributed.link_id, event_id)
