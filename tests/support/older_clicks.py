"""Clicks from before there were derived fields: a database of the older schema with them, and what becomes of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection, select, text

from db.backfill.runner import BackfillRunner
from db.backfill.state import is_unfilled
from db.engine.store import Store
from db.schema.clicks import ClickEvent
from db.schema.visit_fields import DERIVED_FIELDS
from graph.domain.derived_fields import derived_fields
from tests.db.test_upgrades import upgrade_to

FIELDS = [field.name for field in DERIVED_FIELDS]
CLICKS = {1: 40, 2: 3}
"""How many each program has; a third program has none."""
PORTION = 7
HISTORY = (
    "INSERT INTO affiliate_programs (id, name) VALUES (1, 'A'), (2, 'B'), (3, 'C')",
    "INSERT INTO affiliate_partners (id, name) VALUES (1, 'P')",
    "INSERT INTO partner_programs (program_id, partner_id, clicks) VALUES (1, 1, 40), (2, 1, 3), (3, 1, 0)",
    "INSERT INTO referral_links (id, code, program_id, partner_id, clicks) VALUES (1, 'L1', 1, 1, 40), "
    "(2, 'L2', 2, 1, 3)",
    "UPDATE id_blocks SET next_id = 10000",
)
CUSTOMER = (
    "INSERT INTO customers (program_id, id, click_id, partner_id, link_id, created_at, last_click_at) "
    "VALUES (:program, :id, :click, 1, :program, :at, :at)"
)
CLICK = (
    "INSERT INTO affiliate_click_events (program_id, id, link_id, partner_id, customer_id, click_id, occurred_at, "
    "affiliate_url, page_url, referrer_url, referrer_host) VALUES (:program, :id, :program, 1, :id, :click, :at, :url, "
    ":page, :referrer, :host)"
)
URLS = (
    (
        "https://yoursite.com/a?aff=L1&utm_source=news%20letter&subid=7#top",
        None,
        "https://Blog.example./",
        "Blog.example.",
    ),
    ("https://yoursite.com/b?aff=L1", "https://yoursite.com/page?x=1", None, None),
    ("not a URL?utm_source=x", "", "https://blog.example/", "blog.example"),
)


def make_history(connection: Connection) -> None:
    """Create the schema without derived fields, with clicks in it."""
    upgrade_to(connection, "0011")
    for statement in HISTORY:
        connection.execute(text(statement))
    at = 1_777_636_800_000_000 if connection.dialect.name == "sqlite" else datetime(2026, 5, 1, 12, tzinfo=UTC)
    ids = count(5, 3)
    for program, clicks in CLICKS.items():
        for number in range(clicks):
            url, page, referrer, host = URLS[number % len(URLS)]
            row = {"program": program, "id": next(ids), "at": at, "url": url, "page": page}
            row |= {"click": f"cust_{row['id']}_1", "referrer": referrer, "host": host}
            connection.execute(text(CUSTOMER), row)
            connection.execute(text(CLICK), row)


async def clicks(store: Store) -> list[Mapping[str, Any]]:
    """Return all clicks, and whether each `is_unfilled`."""
    query = select(ClickEvent.__table__, is_unfilled(ClickEvent).label("is_unfilled"))
    async with store.read() as connection:
        return [row._asdict() for row in await connection.execute(query.order_by(ClickEvent.program_id, ClickEvent.id))]


def check_filled(click: Mapping[str, Any]) -> None:
    assert not click["is_unfilled"]
    sources = (click["affiliate_url"], click["page_url"], click["referrer_host"])
    assert {name: click[name] for name in FIELDS} == derived_fields(*sources)
    assert click["landing_page"]


async def fill(store: Store, *, portion_clicks: int = PORTION) -> None:
    runner = BackfillRunner(store, derived_fields, portion_clicks=portion_clicks)
    while await runner.run_once():
        pass
    await runner.close()


async def add_clicks(store: Store, clicks: int) -> None:
    """Add clicks of the first program, by its first customer, to those that lack their fields."""
    numbers = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :clicks) "
    async with store.write() as connection:
        await connection.execute(
            text(
                numbers + "INSERT INTO affiliate_click_events (program_id, id, link_id, partner_id, customer_id, "
                "click_id, occurred_at, affiliate_url) SELECT 1, 200 + n, 1, 1, 5, 'cust_5_1', occurred_at, "
                "affiliate_url FROM number, affiliate_click_events WHERE program_id = 1 AND id = 5"
            ),
            {"clicks": clicks},
        )
        await connection.execute(
            text("UPDATE click_backfills SET last_id = 200 + :clicks, clicks_left = 40 + :clicks WHERE program_id = 1"),
            {"clicks": clicks},
        )
