"""Many rows of every kind, put into a database by hand, with ties and NULLs in whatever lists are sorted by.

The first row of each kind has as many children of each kind as there are rows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from db.store import Store
from db.tables import (
    ApiToken,
    ClickEvent,
    ClickTestEvent,
    Customer,
    Partner,
    PartnerProgram,
    Program,
    ReferralLink,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
# The first customer's events come after those of the others.
FIRST_VISIT = 1000

Rows = Sequence[dict[str, Any]]


async def make_crowd(store: Store, size: int) -> None:
    """Insert at least `size` rows of each kind, into a database where nothing but tokens is."""
    pairs = [(1, partner) for partner in range(1, size + 1)] + [(program, 1) for program in range(2, size + 1)]
    rows: dict[type, Rows] = {
        Program: [{"id": id, **_named(id)} for id in range(1, size + 1)],
        Partner: [{"id": id, **_named(id)} for id in range(1, size + 1)],
        PartnerProgram: [{**_pair(pair), **_clicked(id, "last_clicked_at")} for id, pair in enumerate(pairs, 1)],
        ReferralLink: [
            {"id": id, "code": f"L{(7 * id) % len(pairs)}", **_pair(pair), **_clicked(id, "last_clicked")}
            for id, pair in enumerate(pairs, 1)
        ],
        Customer: [_customer(id, *pair) for id, pair in enumerate(pairs, 1)],
        ClickEvent: [_event(id, id, *pair) for id, pair in enumerate(pairs, 1)]
        + [_event(FIRST_VISIT + number, 1, 1, 1) for number in range(size)],
        ClickTestEvent: [
            {"id": id, "program_id": id if id % 3 else None, "occurred_at": tied(id)} for id in range(1, size + 1)
        ],
        ApiToken: [
            {"token_hash": f"{id}", "role": "partner", "program_id": 1, "partner_id": id, "created_at": tied(id)}
            for id in range(1, size + 1)
        ],
    }
    async with store.write() as connection:
        for table, listed in rows.items():
            await connection.execute(insert(table), listed)


def tied(number: int) -> datetime:
    """Return a moment that the next number may have as well."""
    return START + timedelta(minutes=number // 2)


def _pair(pair: tuple[int, int]) -> dict[str, Any]:
    return {"program_id": pair[0], "partner_id": pair[1]}


def _named(id: int) -> dict[str, Any]:
    return {"name": f"Name {id // 2}", "created_at": tied(id)}


def _clicked(id: int, column: str) -> dict[str, Any]:
    clicks = id % 3
    return {"clicks": clicks, column: tied(clicks) if clicks else None, "created_at": tied(id)}


def _customer(id: int, program_id: int, partner_id: int) -> dict[str, Any]:
    return {
        "id": id,
        **_pair((program_id, partner_id)),
        "link_id": id,
        "click_id": f"cust_{id}_1",
        "created_at": tied(id),
        "last_click_at": tied(id),
    }


def _event(id: int, visitor: int, program_id: int, partner_id: int) -> dict[str, Any]:
    """Return an event of the customer who came by the link of the same number."""
    return {
        "id": id,
        **_pair((program_id, partner_id)),
        "link_id": visitor,
        "customer_id": visitor,
        "click_id": f"cust_{visitor}_1",
        "occurred_at": tied(id),
        "affiliate_url": "https://yoursite.com/?aff=L",
    }
