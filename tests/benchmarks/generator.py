"""Fill an empty database in minutes with a long history of clicks, as if a gateway had recorded it.

The database generates it itself. Links, counters, rollups and the next ids agree with the events, so the audit finds no
difference, reports are right, and a gateway can continue from there.
"""

import argparse
import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, TypeAlias

from sqlalchemy import (
    Insert,
    Select,
    Subquery,
    and_,
    case,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.store import Store
from db.rollups.aggregation import KEY
from db.rollups.sums import COUNTERS, LEVELS, QUARTER, SPANS, Level, makes_customer
from db.schema.clicks import ClickEvent
from db.schema.columns import UtcDateTime
from db.schema.programs import Program
from db.schema.rollups import ClickRollup
from tests.benchmarks import seeds
from tests.benchmarks.databases import clickgate
from tests.benchmarks.history_dialects import EVENTS, Engine, Postgres, Sqlite
from tests.benchmarks.seeds import Size

Sums: TypeAlias = tuple[Level, int]
"""Sums of a level, over spans of a number of seconds."""
FINEST: Sums = ("link", QUARTER)


async def fill(url: str, size: Size) -> None:
    """Fill a database that has the schema but no rows."""
    store = Store(url)
    engine = Sqlite() if store.is_sqlite else Postgres()
    try:
        async with store.write() as connection:
            await _fill(connection, engine, size)
        await _outside(store, engine.settle)
        async with store.write() as connection:
            await _sum_up(connection, engine)
        await _outside(store, engine.tidy)
    finally:
        await store.close()


def prepare(url: str, size: Size) -> None:
    """Create the schema in an empty database, and fill it."""
    clickgate(url, "db", "upgrade")
    asyncio.run(fill(url, size))


async def _fill(connection: AsyncConnection, engine: Engine, size: Size) -> None:
    for sql in (*engine.begin, *engine.prepare, *_directory(engine, size)):
        await connection.execute(text(sql))
    indexes = await _without_indexes(connection)
    await connection.execute(text(_events(engine, size)))
    for sql in (*indexes, *_counters(size)):
        await connection.execute(text(sql))


async def _sum_up(connection: AsyncConnection, engine: Engine) -> None:
    for sql in engine.begin:
        await connection.execute(text(sql))
    for statement in _rollups(engine):
        await connection.execute(statement)
    for sql in engine.finish:
        await connection.execute(text(sql))


def _directory(engine: Engine, size: Size) -> Iterator[str]:
    """Yield the statements that create everything clicks refer to. A customer's timestamps are those of the first and
    last click."""
    start, partner, link = (
        engine.moment(str(seeds.START_US)),
        seeds.partner_of("n", size),
        seeds.link_of("c", size),
    )
    yield f"""INSERT INTO affiliate_programs (id, name, domain, created_at)
        SELECT n, 'Program ' || n, 'shop' || n || '.example.com', {start} FROM {engine.numbers(size.programs)}"""
    yield f"""INSERT INTO affiliate_partners (id, name, email, created_at)
        SELECT n, 'Partner ' || n, 'partner' || n || '@example.org', {start} FROM {engine.numbers(size.partners)}"""
    yield f"""INSERT INTO partner_programs (program_id, partner_id, created_at)
        SELECT {seeds.program_of("n", size)}, n, {start} FROM {engine.numbers(size.partners)}"""
    yield f"""INSERT INTO referral_links (id, code, destination_url, program_id, partner_id, created_at)
        SELECT n, {seeds.code_of("n")}, 'https://shop.example.com/products/' || n,
            {seeds.program_of(partner, size)}, {partner}, {start}
        FROM {engine.numbers(size.links)}"""
    yield f"""INSERT INTO customers
            (program_id, id, click_id, customer_status, partner_id, link_id, created_at, last_click_at)
        SELECT link.program_id, c, {seeds.click_id_of("c")}, 'click', link.partner_id, link.id,
            {engine.moment(seeds.microseconds_of("first", size))}, {engine.moment(seeds.microseconds_of("last", size))}
        FROM (
            SELECT c, min(n) AS first, max(n) AS last
            FROM (SELECT n, {seeds.customer_of("n", size)} AS c FROM {engine.numbers(size.events)}) AS clicks
            GROUP BY c
        ) AS seen JOIN referral_links link ON link.id = {link} ORDER BY c"""


def _events(engine: Engine, size: Size) -> str:
    fields = {
        **{name: f"customer.{name}" for name in ("program_id", "link_id", "partner_id", "click_id")},
        "id": "n",
        "customer_id": "customer.id",
        "occurred_at": (at := engine.moment(seeds.microseconds_of("n", size))),
        "page_url": seeds.page_of("n", "customer.link_id", size),
        "landing_page": "''",  # the same as the page, as the gateway stores it
        "page_title": "'A review'",
        "referrer_host": seeds.referrer_host_of("n"),
        "referrer_url": seeds.referrer_of("n"),
        "session_id": "'s_' || (n * 7919)",
        "user_agent": "'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36'",
        "screen_resolution": "'1920x1080'",
        "viewport_size": "'1280x800'",
        "timezone": "'Europe/Berlin'",
        "existing_click_id": f"CASE WHEN customer.created_at < {at} THEN customer.click_id END",
        "event_id": seeds.event_id_of("n", size),
        "is_bot": "n % 47 = 0",
        "ip_address": "'198.51.' || (n % 256) || '.0'",
        **seeds.person_of("customer.id"),
        **(parameters := seeds.parameters_of("n", "customer.link_id")),
    }
    query = " || ".join(f"coalesce('&{name}=' || {value}, '')" for name, value in parameters.items())
    code = seeds.code_of("customer.link_id")
    fields["affiliate_url"] = (
        f"'https://shop.example.com/products/' || customer.link_id || '?aff=' || {code} || {query}"
    )
    return f"""INSERT INTO {EVENTS} ({", ".join(fields)}) SELECT {", ".join(fields.values())}
        FROM (SELECT n, {seeds.customer_of("n", size)} AS c FROM {engine.numbers(size.events)}) AS clicks
        JOIN customers customer ON customer.id = c AND customer.program_id = {_program_of_customer("c", size)}"""


def _program_of_customer(customer: str, size: Size) -> str:
    return seeds.program_of(seeds.partner_of(seeds.link_of(customer, size), size), size)


async def _without_indexes(connection: AsyncConnection) -> list[str]:
    """Drop the events' indexes; return the statements that recreate them once all rows are there."""
    if connection.dialect.name == "sqlite":
        found = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = '{EVENTS}' AND sql > ''"
    else:
        found = f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename = '{EVENTS}' AND indexname NOT LIKE 'pk%'"
    indexes = (await connection.execute(text(found))).all()
    for name, _ in indexes:
        await connection.execute(text(f"DROP INDEX {name}"))
    # Of a table that has partitions, PostgreSQL shows how to create the index of the table alone.
    return [sql.replace(" ON ONLY ", " ON ") for _, sql in indexes]


def _counters(size: Size) -> Iterator[str]:
    """Yield the statements that count the events into links and memberships, and set the next ids."""
    for table, last, key in (
        ("referral_links", "last_clicked", "link_id"),
        ("partner_programs", "last_clicked_at", "partner_id"),
    ):
        row = "id" if key == "link_id" else key
        yield f"""UPDATE {table} SET clicks = counted.clicks, {last} = counted.last
            FROM (SELECT {key}, count(*) AS clicks, max(occurred_at) AS last FROM {EVENTS} GROUP BY {key}) AS counted
            WHERE counted.{key} = {table}.{row}"""
    for name, used in (("click_events", size.events), ("customers", size.customers)):
        yield f"UPDATE id_blocks SET next_id = {used + 1} WHERE name = '{name}'"


def _rollups(engine: Engine) -> Iterator[Insert]:
    """Yield the statements that sum up the events; those of longer spans and of partners and programs from the sums of
    links where that is faster."""
    for level, span in product(reversed(LEVELS), reversed(SPANS)):  # links, partners, programs
        is_of_rows = engine.adds_sums_up and (level, span) != FINEST
        seen = (_rows_seen if is_of_rows else _events_seen)(engine, level, span)
        yield insert(ClickRollup).from_select([*KEY, *COUNTERS], _summed(engine, level, span, seen))


def _events_seen(engine: Engine, level: Level, span: int) -> Subquery:
    subject, owner = _subject(level, ClickEvent, ClickEvent.link_id)
    made, is_bot = makes_customer(ClickEvent), ClickEvent.is_bot
    kinds = (~is_bot, is_bot, and_(made, ~is_bot), and_(made, is_bot))
    counts = (case((kind, 1), else_=0).label(name) for name, kind in zip(COUNTERS, kinds, strict=True))
    return select(
        ClickEvent.program_id.label("program_id"),
        subject.label("subject_id"),
        literal_column(engine.bucket("occurred_at", span), UtcDateTime).label("bucket_at"),
        owner.label("partner_id"),
        *counts,
    ).subquery("seen")


def _rows_seen(engine: Engine, level: Level, span: int) -> Subquery:
    row = ClickRollup
    subject, owner = _subject(level, row, row.subject_id)
    seen = select(
        row.program_id.label("program_id"),
        subject.label("subject_id"),
        literal_column(engine.bucket("bucket_at", span), UtcDateTime).label("bucket_at"),
        owner.label("partner_id"),
        *(getattr(row, name).label(name) for name in COUNTERS),
    )
    finest_level, finest_span = FINEST
    # The programs too, since the key starts with them.
    of_links = row.program_id.in_(select(Program.id)), row.level == finest_level
    return seen.where(*of_links, row.span_seconds == finest_span).subquery("seen")


def _subject(level: Level, row: Any, link_id: Any) -> tuple[Any, Any]:
    """Return the subject whose clicks a level counts, and the partner of the rows."""
    return {
        "program": (row.program_id, literal_column("0")),
        "partner": (row.partner_id, row.partner_id),
        "link": (link_id, row.partner_id),
    }[level]


def _summed(engine: Engine, level: Level, span: int, seen: Subquery) -> Select[tuple[object, ...]]:
    key = seen.c
    grouped = (key.program_id, key.subject_id, key.bucket_at, key.partner_id)
    counts = (func.sum(key[name]) for name in COUNTERS)
    sums = select(
        key.program_id, literal(level), key.subject_id, literal(span), key.bucket_at, key.partner_id, *counts
    ).group_by(*grouped)
    return sums.order_by(*([key.bucket_at] if engine.sorts_by_time else []), *grouped)


async def _outside(store: Store, commands: Iterable[str]) -> None:
    """Run commands outside any transaction."""
    async with store.database.engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for command in commands:
            await outside.execute(text(command))


def main() -> None:
    """Fill the database that the command line names."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("url", help="an empty database: postgresql://... or sqlite:///FILE")
    add_size(ask)
    options = ask.parse_args()
    started = time.perf_counter()
    prepare(options.url, size_of(options))
    print(f"{options.events} clicks in {time.perf_counter() - started:.0f} s")


def add_size(ask: argparse.ArgumentParser) -> None:
    """Add the options for the history's size to a command line."""
    for name in Size.__dataclass_fields__:
        default = getattr(Size(), name)
        ask.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help="(default: %(default)s)")


def size_of(options: argparse.Namespace) -> Size:
    """Return the size given on a command line."""
    return Size(**{name: getattr(options, name) for name in Size.__dataclass_fields__})


if __name__ == "__main__":
    main()
