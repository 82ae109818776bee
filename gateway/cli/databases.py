"""The commands that maintain a database: upgrade its schema, audit its counters, and rebuild what reports read."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from db.audit.report import Audit, audit
from db.backfill.state import clicks_left
from db.cluster.distributing import SHARDS, distribute, make_plan
from db.cluster.status import cluster_status, table_bytes
from db.engine.database_status import status_of
from db.engine.read_only_store import open_read_only
from db.engine.schema_revision import ensure_current
from db.engine.store import Store
from db.errors import UnusableDatabase
from db.partitions.months import Month
from db.retention.dropping import Dropped, drop_before
from db.rollups.rebuild import Rebuilt, events_to_read, rebuild
from db.segments.rebuild import rebuild_segments, start_rebuild
from gateway.cli.progress import progress
from gateway.configuration.settings import Settings
from gateway.consumers import segment_builders
from gateway.server.serve import prepare
from gateway.services import now
from graph.domain.derived_fields import derived_fields

# A SQLite file that no process has open is read without locks. If a gateway opens it meanwhile, the audit starts again.
TRIES = 3


@click.group("db")
def database() -> None:
    """Manage the database's schema, look at its size, and drop old clicks."""


@database.command("upgrade")
def upgrade_command() -> None:
    """Upgrade the database's schema to this version. Safe to run repeatedly and concurrently.

    For SQLite, stop all gateways first: the command refuses to run while another process has the file open.
    """
    settings = Settings()
    asyncio.run(prepare(settings, may_upgrade=True))
    click.echo("The schema is up to date.")
    if left := asyncio.run(_clicks_left(settings.database_url)):
        click.echo(
            f"About {left:,} older clicks lack fields of this version. Gateways fill them in while they record clicks; "
            "the log and the metric clickgate_unfilled_clicks say how far they are."
        )


async def _clicks_left(url: str) -> int:
    store = Store(url)
    try:
        return await clicks_left(store)
    finally:
        await store.close()


@database.command("status")
@click.option("--tables", is_flag=True, help="Also list the tables by size. On SQLite, this reads the whole file.")
def status_command(*, tables: bool) -> None:
    """Print where the database is, its schema's revision and its size, as JSON. Gateways may keep running.

    Nothing is changed, so a read-only copy, a standby server or a read-only role is sufficient.
    """
    click.echo(json.dumps(asyncio.run(_status(Settings().database_url, with_tables=tables)), indent=2))


async def _status(url: str, *, with_tables: bool) -> Mapping[str, Any]:
    async with open_read_only(url) as opened:
        found = await status_of(opened, with_tables=with_tables)
        cluster = await cluster_status(opened.store)
        sizes = await table_bytes(opened.store) if cluster and with_tables else {}
    shown = {name: value for name, value in asdict(found).items() if value is not None}
    if cluster is not None:
        shown |= {"bytes": sum(size or 0 for size in cluster.nodes.values()), "cluster": asdict(cluster)}
    if found.tables is not None:
        bytes_of = {table.name: max(table.bytes, sizes.get(table.name, 0)) for table in found.tables}
        shown["tables"] = dict(sorted(bytes_of.items(), key=lambda each: (-each[1], each[0])))
    return shown


@database.command("drop-clicks")
@click.option("--before", required=True, metavar="YYYY-MM", help="The first month that stays.")
def drop_clicks_command(*, before: str) -> None:
    """Drop the clicks of all months before one, on PostgreSQL. Gateways may keep running.

    Counters and reports go on counting them. Clicks that customers are bound by or conversions were credited to stay.
    Lists show the others no more, and nothing brings them back but a backup.
    """
    done = asyncio.run(_drop_clicks(Settings().database_url, _month(before)))
    click.echo(f"{done.clicks:,} clicks dropped, {done.kept:,} stay. {done.bytes:,} bytes are free again.")


@database.command("distribute")
@click.option("--shards", default=SHARDS, show_default=True, help="The parts to divide the programs into.")
def distribute_command(*, shards: int) -> None:
    """Distribute the tables over the nodes of a Citus cluster. Safe to run repeatedly.

    The database must be the coordinator's. Gateways may keep running: clicks wait for a moment at the end, when all is
    copied. If it is interrupted before, nothing has changed.
    """
    tables = asyncio.run(_distribute(Settings().database_url, shards))
    click.echo(f"{tables} tables distributed." if tables else "All tables are distributed.")


async def _distribute(url: str, shards: int) -> int:
    store = Store(url)
    try:
        plan = await make_plan(store)
        await ensure_current(store, may_upgrade=False, may_create=False)
        with progress("Distributing the tables", plan.total_bytes) as advance:
            await distribute(store, plan, advance, shards=shards)
        return len(plan.tables)
    finally:
        await store.close()


def _month(text: str) -> Month:
    try:
        moment = datetime.strptime(text, "%Y-%m")
    except ValueError:
        raise click.BadParameter("must be a month, such as 2026-05", param_hint="--before") from None
    return Month(moment.year, moment.month)


async def _drop_clicks(url: str, month: Month) -> Dropped:
    store = Store(url)
    try:
        await ensure_current(store, may_upgrade=False, may_create=False)
        return await drop_before(store, month, now())
    finally:
        await store.close()


@click.command("audit")
def audit_command() -> None:
    """Check all stored counters against the events.

    Exits with 1 if anything differs. Gateways may keep running. The audit changes nothing, so a read-only copy, a
    standby server or a read-only role is sufficient.
    """
    found = asyncio.run(_audit(Settings().database_url))
    click.echo(json.dumps(asdict(found), default=str, indent=2))
    if found.difference_count:
        sys.exit(1)


async def _audit(url: str) -> Audit:
    for _ in range(TRIES):
        async with open_read_only(url) as opened:
            await ensure_current(opened.store, may_upgrade=False, may_create=False)
            found = await audit(opened.store, derived_fields)
            if not opened.moved():
                return found
    raise UnusableDatabase(f"{found.database} changed during each of {TRIES} attempts to read it: try again")


@click.group("rollups")
def rollups() -> None:
    """Manage the rollups that reports are computed from."""


@rollups.command("rebuild")
def rebuild_command() -> None:
    """Compare the rollups with the events, and correct what differs. Gateways may keep running."""
    done = asyncio.run(_rebuild(Settings().database_url))
    click.echo(f"{done.written} rows corrected, {done.removed} removed.")


async def _rebuild(url: str) -> Rebuilt:
    store = Store(url)
    try:
        await ensure_current(store, may_upgrade=False, may_create=False)
        with progress("Comparing the rollups", await events_to_read(store)) as advance:
            return await rebuild(store, advance)
    finally:
        await store.close()


@click.group("segments")
def segments() -> None:
    """Manage the segments that reports by dimension are computed from."""


@segments.command("rebuild")
def rebuild_segments_command() -> None:
    """Make all segments anew from the events. Gateways may keep running.

    Meanwhile, reports read the events that are in no segment yet one by one: they stay exact, but where there are many
    they are refused.
    """
    asyncio.run(_rebuild_segments(Settings().database_url))
    click.echo("All events are in segments.")


async def _rebuild_segments(url: str) -> None:
    store = Store(url)
    try:
        await ensure_current(store, may_upgrade=False, may_create=False)
        builders = segment_builders(store)
        with progress("Making segments", await start_rebuild(store, builders)) as advance:
            await rebuild_segments(store, builders, advance, clock=now)
    finally:
        await store.close()
