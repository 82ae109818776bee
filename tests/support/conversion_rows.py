"""Rows of conversions, inserted directly, as the recorder would write them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
from sqlalchemy import insert, update

from db.engine.store import Store
from db.schema.commissions import Commission, CommissionRule, ConversionSum, Payout
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from graph.domain.context import Context
from graph.query.plan import Amounts, Field, RowPlan
from graph.query.rows import find
from tests.support.gateways import Gateway

Rows = Sequence[dict[str, Any]]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = (CommissionRule, LeadEvent, Sale, Commission, Payout, Refund, ConversionSum)

# Beyond the numbers that a database gives by itself, which would meet these.
_numbers = count(1_000_001)


def rule(program_id: int, **given: Any) -> dict[str, Any]:
    """Return a rule that grants ten percent of each sale."""
    return {
        "id": next(_numbers),
        "program_id": program_id,
        "event": "sale",
        "kind": "percent",
        "basis_points": 1000,
        "effective_from": NOW,
        "created_at": NOW,
        "partner_id": None,
        "product_id": None,
        "amount": None,
        "currency": None,
        "effective_to": None,
        **given,
    }


def lead(customer: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Return a lead of a customer; a provisional one if `confirmed_at` is given as None."""
    is_provisional = "confirmed_at" in given and given["confirmed_at"] is None
    return {
        "id": next(_numbers),
        **_attributed(customer, is_known=not is_provisional),
        "click_event_id": None if is_provisional else customer.get("bound_event_id") or 1,
        "event_name": "signup",
        "session_id": None,
        "page_url": None,
        "additional_data": None,
        "created_at": NOW,
        "confirmed_at": NOW,
        **given,
    }


def sale(customer: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Return a sale to a customer."""
    id = next(_numbers)
    return {
        "id": id,
        **_attributed(customer),
        "click_event_id": customer.get("bound_event_id") or 1,
        "transaction_id": f"txn_{id}",
        "amount": 10_000,
        "currency": "USD",
        "refunded": 0,
        "sale_type": "payment",
        "subscription_id": None,
        "subscription_interval": None,
        "product_id": None,
        "line_items": None,
        "additional_data": None,
        "occurred_at": NOW,
        "created_at": NOW,
        **given,
    }


def commission(sale: dict[str, Any], rule_id: int, **given: Any) -> dict[str, Any]:
    """Return the commission for a sale, approved by itself after 15 days."""
    return {
        "id": next(_numbers),
        **{name: sale[name] for name in ("program_id", "partner_id", "link_id", "customer_id", "occurred_at")},
        "sale_id": sale["id"],
        "lead_id": None,
        "rule_id": rule_id,
        "amount": 1000,
        "currency": "USD",
        "clawed_back": 0,
        "status": "pending",
        "approval": "auto",
        "hold_until": sale["occurred_at"] + timedelta(days=15),
        "approved_at": None,
        "rejected_reason": None,
        "payout_id": None,
        "created_at": sale["occurred_at"],
        **given,
    }


def refund(sale: dict[str, Any], commission_id: int | None, **given: Any) -> dict[str, Any]:
    """Return a refund of a sale."""
    return {
        "id": next(_numbers),
        **{name: sale[name] for name in ("program_id", "partner_id", "link_id", "customer_id", "currency")},
        "sale_id": sale["id"],
        "commission_id": commission_id,
        "refund_id": None,
        "amount": 1000,
        "clawback": 0 if commission_id is None else 100,
        "reason": None,
        "status": "no_commission" if commission_id is None else "refunded",
        "payout_id": None,
        "created_at": sale["created_at"],
        **given,
    }


def payout(program_id: int, partner_id: int, **given: Any) -> dict[str, Any]:
    """Return a payout to a partner."""
    return {
        "id": next(_numbers),
        "program_id": program_id,
        "partner_id": partner_id,
        "amount": 1000,
        "currency": "USD",
        "up_to": NOW,
        "note": None,
        "created_at": NOW,
        **given,
    }


def sums(program_id: int, partner_id: int, link_id: int, **given: Any) -> dict[str, Any]:
    """Return a link's sums in one currency."""
    own = {"program_id": program_id, "partner_id": partner_id, "link_id": link_id}
    return {**own, "currency": "USD", "revenue": 10_000, "earnings": 1000, **given}


async def insert_conversions(store: Store, rows: Mapping[type, Rows]) -> None:
    """Insert rows, in the order in which they refer to each other."""
    async with store.write() as connection:
        for table in TABLES:
            if rows.get(table):
                await connection.execute(insert(table), list(rows[table]))


async def convert(gateway: Gateway, text: Callable[[], str]) -> None:
    """Let one customer of each partner in each program sign up and buy, with unique texts. The first one of each
    program also has a provisional lead, and bought once through the link of another partner."""
    clicks = await gateway.events()
    rows: dict[type, list[dict[str, Any]]] = {table: [] for table in TABLES}
    met: set[tuple[int, int]] = set()
    for customer in await gateway.customers():
        program_id = customer["program_id"]
        if (program_id, customer["partner_id"]) in met:
            continue
        changes = {"customer_key": text(), "email_mask": f"{text()}@mail.example", "email_digest": text()}
        this = (Customer.program_id == program_id, Customer.id == customer["id"])
        await gateway.execute(update(Customer).where(*this).values(changes))
        of_program = [click for click in clicks if click["program_id"] == program_id]
        _add_conversions(rows, next(click for click in of_program if _is_own(click, customer)), text)
        if program_id not in {met_program for met_program, _ in met}:
            rows[LeadEvent].append(lead(customer, event_name=text(), confirmed_at=None))
            rows[CommissionRule].append(rule(program_id, product_id=text()))
            foreign = next(click for click in of_program if click["partner_id"] != customer["partner_id"])
            _add_conversions(rows, {**foreign, "customer_id": customer["id"]}, text)
        met.add((program_id, customer["partner_id"]))
    await insert_conversions(gateway.store, rows)


def _is_own(click: dict[str, Any], customer: dict[str, Any]) -> bool:
    return all(click[name] == customer[name] for name in ("partner_id", "link_id"))


def _add_conversions(rows: dict[type, list[dict[str, Any]]], click: dict[str, Any], text: Callable[[], str]) -> None:
    """Add a lead, a sale with its commission and refund, and a payout and a rule of a click's partner."""
    buyer = {**click, "id": click["customer_id"], "bound_event_id": click["id"]}
    program_id, partner_id = click["program_id"], click["partner_id"]
    granting = rule(program_id, partner_id=partner_id, product_id=text())
    paying = payout(program_id, partner_id, note=text())
    sent = {"additional_data": json.dumps({"note": text()})}
    sold = sale(buyer, transaction_id=text(), product_id=text(), line_items=json.dumps([text()]), **sent)
    earned = commission(sold, granting["id"], payout_id=paying["id"], status="paid", rejected_reason=text())
    rows[CommissionRule].append(granting)
    rows[Payout].append(paying)
    rows[LeadEvent].append(lead(buyer, event_name=text(), session_id=text(), page_url=text(), **sent))
    rows[Sale].append(sold)
    rows[Commission].append(earned)
    rows[Refund].append(refund(sold, earned["id"], refund_id=text(), reason=text(), payout_id=paying["id"]))
    of_link = (program_id, partner_id, click["link_id"])
    if not any(of_link == (row["program_id"], row["partner_id"], row["link_id"]) for row in rows[ConversionSum]):
        rows[ConversionSum].append(sums(*of_link))


def _attributed(customer: dict[str, Any], *, is_known: bool = True) -> dict[str, Any]:
    own = {"program_id": customer["program_id"], "customer_id": customer["id"]}
    return {**own, **{name: customer[name] if is_known else None for name in ("partner_id", "link_id")}}


@dataclass(frozen=True, slots=True)
class Shop:
    """A program with a partner, a link, a customer and a rule that grants ten percent."""

    program_id: int
    partner_id: int
    link_id: int
    rule_id: int
    customer: dict[str, Any]


async def make_shop(gateway: Gateway, code: str = "SHOP") -> Shop:
    """Create a shop whose only customer has clicked once. Its sums in US dollars are zero."""
    link = await gateway.link(code)
    await gateway.track(code)
    customer = next(row for row in await gateway.customers() if row["link_id"] == link["id"])
    click = next(row for row in await gateway.events() if row["customer_id"] == customer["id"])
    ids = (link["program_id"], link["partner_id"], link["id"])
    granting = rule(link["program_id"])
    nothing = sums(*ids, revenue=0, earnings=0)
    await insert_conversions(gateway.store, {CommissionRule: [granting], ConversionSum: [nothing]})
    return Shop(*ids, granting["id"], {**customer, "bound_event_id": click["id"]})


async def member_sums(context: Context, shop: Shop) -> dict[str, int]:
    """Return the sums of a shop's partner in US dollars, by name, as of the context's time."""
    names = ("pending", "balance", "paid", "earnings", "revenue")
    inner = tuple(Field(name, name) for name in ("amount", "currency"))
    plan = RowPlan("PartnerProgram", tuple(Amounts(name, name, inner) for name in names))
    found = await find(context, plan, {}, "key", key0=shop.program_id, key1=shop.partner_id)
    listed = json.loads(msgspec.json.encode(found))
    return {name: sum(each["amount"] for each in listed[name] if each["currency"] == "USD") for name in names}
