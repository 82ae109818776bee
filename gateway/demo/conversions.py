"""The demo's conversions: visitors who sign up, buy, renew and are refunded, what that earns the partners, and payouts.

They go through the writer like any shop's, only with times in the past, so that all counters, sums and reports agree.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from db.ingest.conversions.records import NewLead, NewRefund, NewSale
from db.lookups.link_records import KnownLink
from gateway.demo.visitors import DAYS
from gateway.services import now
from graph.domain import commission_rules, payouts
from graph.domain.commission_rules import NewRule
from graph.domain.context import Context
from graph.domain.emails import digest, masked
from graph.domain.payouts import NewPayout

SEED = 20260102
CURRENCY = "EUR"
LEAD_SHARE, BUYER_SHARE, REFUND_SHARE = 0.062, 0.3, 0.07
# Some partners send visitors who know what they want. In the order of `PARTNERS`.
EAGERNESS = (1.25, 1.1, 0.7, 0.8)
RENEWAL = timedelta(days=30)
# Partners are paid about monthly.
PAID_BEFORE = timedelta(days=30)


class Product(NamedTuple):
    """Something that the shop sells, with its price in cents and how often it is bought."""

    id: str
    price: int
    weight: int
    renews: bool = False


PRODUCTS = (
    Product("pocket", 900, 3),
    Product("desk", 1900, 5),
    Product("studio", 2900, 2),
    Product("refills", 800, 3, renews=True),
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who came through a partner's link, with the last click."""

    click_id: str
    partner: int
    """Index of the partner in `PARTNERS`."""
    clicked_at: datetime


@dataclass(slots=True)
class Conversions:
    """What visitors did, each list in the order of time."""

    leads: list[NewLead] = field(default_factory=list)
    sales: list[NewSale] = field(default_factory=list)
    refunds: list[NewRefund] = field(default_factory=list)


async def make_rules(context: Context, known: Sequence[KnownLink], program_id: int) -> None:
    """Create the commission rules: a percentage for all, a better one for the first partner, a fixed commission for one
    product, and one for sign-ups."""
    begin = now() - timedelta(days=DAYS + 1)
    sale: dict[str, Any] = {"program_id": program_id, "event": "sale", "effective_from": begin}
    for rule in (
        NewRule(**sale, kind="percent", basis_points=2000, duration_months=12),
        NewRule(**sale, kind="percent", basis_points=2500, duration_months=12, partner_id=known[0].partner_id),
        NewRule(**sale, kind="fixed", amount=700, currency=CURRENCY, product_id="studio", duration_months=0),
        NewRule(program_id, "lead", "fixed", amount=50, currency=CURRENCY, effective_from=begin),
    ):
        await commission_rules.create(context, rule)


async def make_conversions(context: Context, program_id: int, visitors: Sequence[Visitor], *, chunk: int) -> None:
    """Record what some of the visitors did until now, a chunk of conversions at a time."""
    services, random = context.services, Random(SEED)  # noqa: S311  sample data, not a secret
    key = await services.email_key()
    done = Conversions()
    for number, visitor in enumerate(visitors, 1001):
        if random.random() < LEAD_SHARE * EAGERNESS[visitor.partner]:
            _follow(done, random, _Account(program_id, f"user_{number}", visitor, key))
    # Customers sign up before they buy, and buy before they are refunded.
    for unsorted in (done.leads, done.sales, done.refunds):
        records = sorted(unsorted, key=lambda record: record.received_at)
        for start in range(0, len(records), chunk):
            await asyncio.gather(*map(services.writer.record, records[start : start + chunk]))


async def make_payouts(context: Context, known: Sequence[KnownLink]) -> None:
    """Record what was paid to the two partners who earned the most."""
    up_to = now() - PAID_BEFORE
    for link in known[:2]:
        new = NewPayout(link.program_id or 0, link.partner_id or 0, CURRENCY, up_to, "Bank transfer")
        await payouts.record(context, new)


@dataclass(frozen=True, slots=True)
class _Account:
    """A visitor's account in the shop."""

    program_id: int
    key: str
    visitor: Visitor
    email_key: bytes


def _follow(done: Conversions, random: Random, account: _Account) -> None:
    """Add what a visitor did after signing up."""
    today = now()
    signed_up = account.visitor.clicked_at + timedelta(hours=random.expovariate(1 / 5))
    if signed_up >= today:
        return
    email = f"{account.key}@example.com"
    done.leads.append(
        NewLead(
            received_at=signed_up,
            program_id=account.program_id,
            click_ids=(account.visitor.click_id,),
            event_name="signup",
            customer_key=account.key,
            email_digest=digest(account.email_key, email),
            email_mask=masked(email),
            page_url="https://yoursite.com/signup",
        )
    )
    if random.random() > BUYER_SHARE:
        return
    (product,) = random.choices(PRODUCTS, weights=[product.weight for product in PRODUCTS])
    for number, at in enumerate(_purchases(random, signed_up, product)):
        if at >= today:
            break
        sale = _sale(account, product, number, at, quantity=random.choice((1, 1, 1, 2, 3)))
        done.sales.append(sale)
        refunded = at + timedelta(days=random.uniform(1, 12))
        if random.random() < REFUND_SHARE and refunded < today:
            amount = random.choice((None, sale.amount // 2))
            done.refunds.append(
                NewRefund(refunded, account.program_id, sale.transaction_id, amount, "Returned by the customer")
            )


def _purchases(random: Random, signed_up: datetime, product: Product) -> Iterator[datetime]:
    first = signed_up + timedelta(days=random.expovariate(1 / 2))
    for number in range(DAYS // RENEWAL.days + 1 if product.renews else 1):
        yield first + number * RENEWAL


def _sale(account: _Account, product: Product, number: int, at: datetime, *, quantity: int) -> NewSale:
    renewal: Mapping[str, Any] = {
        "sale_type": "subscription",
        "subscription_id": f"sub_{account.key}",
        "subscription_interval": "monthly",
        "is_recurring": number > 0,
    }
    return NewSale(
        received_at=at,
        program_id=account.program_id,
        transaction_id=f"order_{account.key}_{number + 1}",
        amount=product.price * (1 if product.renews else quantity),
        currency=CURRENCY,
        customer_key=account.key,
        product_id=product.id,
        **(renewal if product.renews else {}),
    )
