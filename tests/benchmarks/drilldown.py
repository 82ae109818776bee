"""Measure breakdowns by several dimensions on a long history of one program, and plain SQL on the events beside them.

The product's own consumers make the segments. Each database is asked in a process of its own, and every question takes
turns with the same one in SQL on PostgreSQL, which is the peer; both must find the same numbers.
"""

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import make_url, text

from db.engine.store import Store
from db.outbox.consumers import add_consumer
from db.outbox.history import list_history
from db.outbox.runner import ConsumerRunner
from db.schema.clicks import ClickEvent
from db.schema.rollups import ClickRollup
from db.schema.segments import ReportSegment
from db.segments.builder import ConversionSegmentBuilder, SegmentBuilder
from db.segments.questions import In
from gateway.configuration.settings import Settings
from gateway.services import offline_services
from graph.domain.context import Context
from graph.domain.derived_fields import derived_fields
from graph.domain.permissions import ADMINISTRATOR
from graph.reports import reader
from graph.reports.requests import BreakdownRequest, ClickReport, ReportFilter, ReportRequest
from tests.benchmarks import databases, generator, seeds
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.multiplied import multiply
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.seeds import Size

T = TypeVar("T")
KINDS = ("sqlite", "postgresql")
PROGRAM = 1
DIMENSIONS = ("utm_campaign", "landing_page", "browser")
# Where both are the same, the landing page is stored once.
COLUMNS = {"landing_page": "page_url"}
CONDITIONS = {"country": ("DE", "US"), "device_type": ("mobile",)}
# Longer than any deadline in production: what takes too long is to be measured, too.
QUESTION_SECONDS = 600
MEBIBYTE, MILLION = 1 << 20, 1_000_000
TABLES = {"events": ClickEvent, "rollups": ClickRollup, "segments": ReportSegment}
# Not SQLite's own sums, in which a table of several gigabytes overflows.
SQLITE_BYTES = "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name"
# Those of a partition are its table's.
POSTGRESQL_BYTES = """SELECT coalesce(pg_partition_root(oid), oid)::regclass::text, sum(pg_total_relation_size(oid))
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Question:
    """A report's name, the report, and the same in SQL: rows that end with clicks and visitors."""

    name: str
    request: ReportRequest
    sql: str


def main() -> None:
    """Make the databases that are not given, and measure each in a process of its own."""
    options = _options()
    options.customers = options.customers or options.events * 3 // 10
    size = size_of(options)
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        urls = options.filled
        if not urls:
            Path(name).chmod(0o755)  # the server runs as a separate user
            for kind in options.databases:
                fresh = stack.enter_context(databases.fresh_databases(kind, Path(name), options.postgresql_url))
                urls.append(fresh("drilldown"))
                _apart(generator.prepare, urls[-1], size)
        peer = next((url for url in urls if not _is_sqlite(url)), None)
        for url in urls:
            print(
                f"\n{'SQLite' if _is_sqlite(url) else 'PostgreSQL'}, {size.events * options.times} clicks", flush=True
            )
            _apart(_make_segments, url, size)
            if options.times > 1:
                _apart(_multiply, url, options.times)
            _apart(_measure_all, url, peer, size, options)


def _apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a new process, whose memory holds nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _make_segments(url: str, size: Size) -> None:
    asyncio.run(_segmented(url, size))


async def _segmented(url: str, size: Size) -> None:
    """Make the segments that are missing; print how long that took, and what the database takes on disk."""
    store = Store(url)
    builders = [made(store, derived_fields, pause_seconds=0) for made in (SegmentBuilder, ConversionSegmentBuilder)]
    try:
        started, busy = perf_counter(), process_time()
        for builder in builders:
            await add_consumer(store, builder)
            await list_history(store, builder.name, most_parts=size.events)
        listed = perf_counter()
        for builder in builders:
            runner = ConsumerRunner(store, builder, clock=lambda: datetime.now(UTC))
            await runner.run_all()
            await runner.close()
        clicks = size.events / MILLION
        seconds = (listed - started, perf_counter() - listed, process_time() - busy)
        in_log, in_segments, cpu = (each / clicks for each in seconds)
        print(f"seconds per million clicks: {in_log:.1f} to list them in the log, {in_segments:.1f} to make segments;")
        print(f"    {cpu:.1f} of processor time")
        async with store.read() as connection:
            found = await connection.execute(text(SQLITE_BYTES if store.is_sqlite else POSTGRESQL_BYTES))
            bytes_of: Mapping[str, int] = dict(found.tuples().all())
    finally:
        await store.close()
    parts = {name: bytes_of.get(table.__tablename__, 0) for name, table in TABLES.items()}
    parts["everything"] = sum(bytes_of.values())
    print("bytes per click:", ", ".join(f"{name} {found / size.events:.0f}" for name, found in parts.items()))


def _multiply(url: str, times: int) -> None:
    asyncio.run(multiply(url, times))


def _measure_all(url: str, peer_url: str | None, size: Size, options: argparse.Namespace) -> None:
    asyncio.run(_measured(url, peer_url, size, options))


async def _measured(url: str, peer_url: str | None, size: Size, options: argparse.Namespace) -> None:
    """Print the medians for each question. Raises `Wrong` if the peer finds other numbers."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(
            offline_services(Settings(database_url=url, report_seconds=QUESTION_SECONDS))
        )
        context = Context(services, viewer=ADMINISTRATOR)
        peer = None
        if peer_url is not None:
            peer = await asyncpg.connect(peer_url)
            stack.push_async_callback(peer.close)
        before = _memory("VmRSS")
        asked = _questions(size, await _usual_partner(services.store, size))
        first = perf_counter()
        await reader.read(context, asked[0].request)
        print(f"the first question of a process: {(perf_counter() - first) * 1e3:.0f} ms")
        print(f"{'':56} {'ms':>7} {'CPU ms':>7} {'SQL ms':>8} {'ratio':>6}")
        for question in asked:
            ours, busy, theirs = await _measure(context, peer, question, options)
            compared = f"{theirs * 1e3:8.0f} {theirs / ours:6.1f}" if theirs else ""
            print(f"{question.name:56} {ours * 1e3:7.1f} {busy * 1e3:7.1f} {compared}", flush=True)
        print(f"memory: {before:.0f} MiB before, {_memory('VmRSS'):.0f} after, {_memory('VmHWM'):.0f} at most")


async def _measure(
    context: Context, peer: asyncpg.Connection | None, question: Question, options: argparse.Namespace
) -> tuple[float, float, float]:
    """Return the medians of the seconds and of the processor time of a report, and of the peer's seconds."""
    wall, busy, theirs = [], [], [0.0] if peer is None else []
    for _ in range(options.rounds):
        started, cpu = perf_counter(), process_time()
        report = await reader.read(context, question.request)
        wall.append(perf_counter() - started)
        busy.append(process_time() - cpu)
        if peer is not None:
            started = perf_counter()
            rows = await peer.fetch(question.sql, question.request.start, question.request.end)
            theirs.append(perf_counter() - started)
            _compare(question, report, rows, options.times)
    return median(wall), median(busy), median(theirs)


def _compare(question: Question, report: ClickReport, rows: Sequence[asyncpg.Record], times: int) -> None:
    """Raise `Wrong` if a report differs from so many times what the peer found."""
    pages = list(report.breakdowns.values())
    ours = [row.counts for page in pages for row in page.rows] if pages else [report.totals]
    # The clicks of totals come from rollups, of which there are no copies.
    clicks = times if pages else 1
    here = _certain([(each.clicks, each.visitors) for each in ours if each is not None])
    if here != (there := _certain([(row["clicks"] * clicks, row["visitors"] * times) for row in rows])):
        raise Wrong(f"{question.name}: {here} clicks and visitors here, but in SQL {there}")


def _certain(rows: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return the clicks and visitors of groups, sorted, without those that others with as many clicks may stand for."""
    last = rows[-1][0] if len(rows) > 1 else -1
    return sorted(row for row in rows if row[0] > last)


def _questions(size: Size, partner: int) -> Sequence[Question]:
    filters = {
        "two conditions": ReportFilter((PROGRAM,), where=tuple(In(*each) for each in _conditions())),
        "everything": ReportFilter((PROGRAM,)),
        f"one partner of {size.partners}": ReportFilter((PROGRAM,), (partner,)),
        "one partner, two conditions": ReportFilter(
            (PROGRAM,), (partner,), where=tuple(In(*each) for each in _conditions())
        ),
    }
    breakdowns = {
        "three dimensions, visitors": BreakdownRequest(DIMENSIONS, with_visitors=True),
        "the same with the rest": BreakdownRequest(DIMENSIONS, with_visitors=True, with_rest=True),
    }
    every = ReportRequest(seeds.START, seeds.START + timedelta(days=size.days), totals=False)
    found = [
        _question(f"{of}: {name}", replace(every, filter=chosen, breakdowns=(breakdown,)))
        for of, chosen in filters.items()
        for name, breakdown in breakdowns.items()
    ]
    everything = replace(every, filter=filters["everything"])
    top = BreakdownRequest(("country",))
    return [
        *found,
        _question("everything: countries", replace(everything, breakdowns=(top,))),
        _question("everything: visitors only", replace(everything, totals=True, visitors=True)),
    ]


def _conditions() -> Sequence[tuple[str, frozenset[str | int]]]:
    return [(name, frozenset[str | int](values)) for name, values in CONDITIONS.items()]


def _question(name: str, request: ReportRequest) -> Question:
    """Return a question with its SQL, as a tool would ask it."""
    chosen = request.filter
    where = [f"program_id = {PROGRAM}", "occurred_at >= $1", "occurred_at < $2"]
    where += [f"partner_id = {id}" for id in chosen.partner_ids or ()]
    if chosen.where:
        where += [f"{column} IN ({', '.join(map(repr, values))})" for column, values in CONDITIONS.items()]
    by = [COLUMNS.get(dimension, dimension) for breakdown in request.breakdowns for dimension in breakdown.by]
    visitors = request.visitors or any(breakdown.with_visitors for breakdown in request.breakdowns)
    counts = ["count(*) AS clicks", f"{'count(DISTINCT customer_id)' if visitors else '0'} AS visitors"]
    sql = f"SELECT {', '.join([*by, *counts])} FROM {ClickEvent.__tablename__} WHERE {' AND '.join(where)}"
    grouped = f" GROUP BY {', '.join(by)} ORDER BY clicks DESC, {', '.join(by)} LIMIT 20" if by else ""
    return Question(name, request, sql + grouped)


async def _usual_partner(store: Store, size: Size) -> int:
    """Return the partner whose clicks are closest to what each has on average."""
    sql = f"SELECT partner_id FROM partner_programs ORDER BY abs(clicks - {size.events // size.partners}) LIMIT 1"
    async with store.read() as connection:
        return int((await connection.execute(text(sql))).scalar_one())


def _memory(name: str) -> float:
    """Return a figure of this process's memory in MiB, as the kernel names it: `VmRSS` now, `VmHWM` at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    ((kibibytes, _),) = (line.split()[1:] for line in lines if line.startswith(f"{name}:"))
    return int(kibibytes) * 1024 / MEBIBYTE


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--databases", nargs="+", choices=KINDS, default=KINDS, help="(default: both)")
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--filled", nargs="+", default=[], metavar="URL", help="databases that have a history already")
    ask.add_argument(
        "--times", type=int, default=1, help="make copies of the segments, and ask as many times as many clicks"
    )
    ask.add_argument("--rounds", type=int, default=5, help="times that each is asked (default: %(default)s)")
    add_size(ask)
    ask.set_defaults(programs=1, partners=1000, customers=0)  # 0: three in ten clicks make one
    options = ask.parse_args()
    if options.times > 1 and options.filled:
        ask.error("--times would change the databases that are given")
    return options


if __name__ == "__main__":
    run(main)
