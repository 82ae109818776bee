"""Many rows of every table, inserted directly, with ties and NULLs in every column that lists are sorted by.

The first row of each table has as many children of each kind as there are rows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import DeclarativeBase

from db.engine.store import Store
from db.rollups.sums import SPANS
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.commissions import Commission, CommissionRule, ConversionSum, Payout
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.id_blocks import IdBlock
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.rollups import ClickRollup
from db.schema.tokens import ApiToken
from tests.support import conversion_rows

CURRENCIES = ("USD", "JPY", "EUR")
START = datetime(2026, 3, 1, tzinfo=UTC)
# The first customer's events come after those of the others.
FIRST_VISIT = 1000
# And those of the masses after all of a crowd's.
LATER = 10_000
UNUSED = 1_000_000
"""Reserve the ids used here, so that a gateway assigns later ones."""

Rows = Sequence[dict[str, Any]]


async def make_crowd(store: Store, size: int) -> None:
    """Insert at least `size` rows into each table of a database that contains only tokens."""
    pairs = [(1, partner) for partner in range(1, size + 1)] + [(program, 1) for program in range(2, size + 1)]
    rows: dict[type, Rows] = {
        Program: [{"id": id, **_named(id)} for id in range(1, size + 1)],
        Partner: [{"id": id, **_named(id)} for id in range(1, size + 1)],
        PartnerProgram: [{**_pair(pair), **_clicked(id, "last_clicked_at")} for id, pair in enumerate(pairs, 1)],
        ReferralLink: [
            {"id": id, "code": f"L{(7 * id) % len(pairs)}", **_pair(pair), **_clicked(id, "last_clicked")}
            for id, pair in enumerate(pairs, 1)
        ]
        + [_further_link(number) for number in range(size)],
        Customer: [_customer(id, *pair) for id, pair in enumerate(pairs, 1)],
        ClickEvent: [_event(id, id, *pair) for id, pair in enumerate(pairs, 1)]
        + [_event(FIRST_VISIT + number, 1, 1, 1) for number in range(size)],
        ClickTestEvent: [
            {"id": id, "program_id": id if id % 3 else None, "occurred_at": tied(id)} for id in range(1, size + 1)
        ],
        **_conversions(pairs, size),
        ApiToken: [
            {"token_hash": f"{id}", "role": "partner", "program_id": 1, "partner_id": id, "created_at": tied(id)}
            for id in range(1, size + 1)
        ],
    }
    async with store.write() as connection:
        for table, listed in rows.items():
            await connection.execute(insert(table), listed)
        await connection.execute(update(IdBlock).values(next_id=UNUSED))


def tied(number: int) -> datetime:
    """Return a timestamp, which the next number may share."""
    return START + timedelta(minutes=number // 2)


def _pair(pair: tuple[int, int]) -> dict[str, Any]:
    return {"program_id": pair[0], "partner_id": pair[1]}


def _named(id: int) -> dict[str, Any]:
    return {"name": f"Name {id // 2}", "created_at": tied(id)}


def _clicked(id: int, column: str) -> dict[str, Any]:
    clicks = id % 3
    return {"clicks": clicks, column: tied(clicks) if clicks else None, "created_at": tied(id)}


def _further_link(number: int) -> dict[str, Any]:
    """Return another link of the first partner in the first program."""
    id = FIRST_VISIT + number
    return {"id": id, "code": f"M{(7 * number) % 100}", **_pair((1, 1)), **_clicked(id, "last_clicked")}


def _customer(id: int, program_id: int, partner_id: int) -> dict[str, Any]:
    return {
        "id": id,
        **_pair((program_id, partner_id)),
        "link_id": id,
        "click_id": f"cust_{id}_1",
        "created_at": tied(id),
        "last_click_at": tied(id) + timedelta(minutes=id % 3),
        "updated_at": tied(id) + timedelta(minutes=id % 3) if id % 3 else None,
    }


def _conversions(pairs: Sequence[tuple[int, int]], size: int) -> dict[type, Rows]:
    """Return conversions of each customer, and more of the first one, whose partner has all rules and payouts."""
    own = [(id, id, pair) for id, pair in enumerate(pairs, 1)]
    every = [*own, *((FIRST_VISIT + number, 1, (1, 1)) for number in range(size))]
    sales = [
        conversion_rows.sale(_buyer(visitor, pair), id=id, occurred_at=tied(id), currency=CURRENCIES[id % 3])
        for id, visitor, pair in every
    ]
    return {
        CommissionRule: [
            conversion_rows.rule(1, id=id, partner_id=1, product_id=f"{id}", effective_from=tied(id))
            for id in range(1, size + 1)
        ],
        LeadEvent: [
            conversion_rows.lead(
                _buyer(visitor, pair),
                id=id,
                event_name=f"{id}",
                created_at=tied(id),
                confirmed_at=None if id in range(0, FIRST_VISIT, 3) else tied(id),
            )
            for id, visitor, pair in every
        ],
        Sale: sales,
        Commission: [
            conversion_rows.commission(sale, 1, id=sale["id"], payout_id=1 if sale["id"] >= FIRST_VISIT else None)
            for sale in sales
        ],
        Payout: [conversion_rows.payout(1, 1, id=id, created_at=tied(id)) for id in range(1, size + 1)],
        Refund: [
            conversion_rows.refund(
                sales[0] if id >= FIRST_VISIT else sales[id - 1],
                *(1 if id >= FIRST_VISIT else id,),
                id=id,
                created_at=tied(id),
                payout_id=1 if id >= FIRST_VISIT else None,
            )
            for id, _, _ in every
        ],
        ConversionSum: [
            conversion_rows.sums(*pair, id, currency=currency, revenue=id, earnings=-id)
            for id, _, pair in own
            for currency in CURRENCIES[: id % 3]
        ],
    }


def _buyer(visitor: int, pair: tuple[int, int]) -> dict[str, Any]:
    return {"id": visitor, **_pair(pair), "link_id": visitor, "bound_event_id": visitor}


def _event(id: int, visitor: int, program_id: int, partner_id: int) -> dict[str, Any]:
    """Return an event of the customer who came through the link with the same number."""
    return {
        "id": id,
        **_pair((program_id, partner_id)),
        "link_id": visitor,
        "customer_id": visitor,
        "click_id": f"cust_{visitor}_1",
        "occurred_at": tied(id),
        "affiliate_url": "https://yoursite.com/?aff=L",
    }


async def make_masses(store: Store, clicks: int) -> None:
    """Add customers, their clicks and conversions to a crowd, one of each a minute, in turns by the crowd's first
    links; and rollups of each of these links, their partners and programs."""
    turns = [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, 4)]
    rows: dict[type[DeclarativeBase], list[dict[str, Any]]] = {
        table: [] for table in (Customer, ClickEvent, LeadEvent, Sale, Commission, Refund)
    }
    for number in range(clicks):
        link_id, program_id, partner_id = turns[number % len(turns)]
        id, at = LATER + number, START + timedelta(days=1, minutes=number)
        shared = {"id": id, **_pair((program_id, partner_id)), "link_id": link_id, "click_id": f"cust_{id}_1"}
        rows[Customer].append({**shared, "created_at": at, "last_click_at": at})
        rows[ClickEvent].append(
            {**shared, "customer_id": id, "occurred_at": at, "affiliate_url": "https://yoursite.com/"}
        )
        sold = conversion_rows.sale({**shared, "bound_event_id": id}, id=id, occurred_at=at, created_at=at)
        rows[LeadEvent].append(conversion_rows.lead(shared, id=id, created_at=at, confirmed_at=at))
        rows[Sale].append(sold)
        rows[Commission].append(conversion_rows.commission(sold, 1, id=id))
        rows[Refund].append(conversion_rows.refund(sold, id, id=id))
    filled: list[tuple[type[DeclarativeBase], Rows]] = [*rows.items(), (ClickRollup, _rollups(clicks))]
    async with store.write() as connection:
        for table, listed in filled:
            await connection.execute(insert(table), listed)
            # PostgreSQL does so by itself later, and SQLite does not. Before it knows how many rows the table has, it
            # looks for each of those that the next table's rows refer to by reading many.
            if not store.is_sqlite:
                await connection.exec_driver_sql(f"ANALYZE {table.__tablename__}")
        if not store.is_sqlite:
            await connection.exec_driver_sql("ANALYZE")


def _rollups(minutes: int) -> Rows:
    """Return rollups of the first program and its first partners, with one click each."""
    subjects = [("program", 1, 0), *(("partner", id, id) for id in range(1, 5))]
    return [
        {
            "program_id": 1,
            "level": level,
            "subject_id": subject_id,
            "partner_id": partner_id,
            "people": 1,
            "span_seconds": span,
            "bucket_at": START + timedelta(seconds=second),
        }
        for level, subject_id, partner_id in subjects
        for span in SPANS
        for second in range(0, minutes * 60, span)
    ]
