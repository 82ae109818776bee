"""Compare clicks and reports on one PostgreSQL server with those on a Citus cluster, on the same generated history.

Both take turns (A B, B A, …), and the result is the ratio within each round. If all nodes are on one machine, it is the
overhead of distributing: a cluster gains only where each node has processors and disks of its own.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import text

from db.engine.store import Store
from db.ingest.clicks.records import Click, VisitRecord
from gateway.configuration.settings import Settings
from gateway.services import offline_services
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from graph.reports import reader
from graph.reports.calendars import Interval
from graph.reports.requests import BreakdownRequest, ReportFilter, ReportRequest, Top
from tests.benchmarks import databases, seeds
from tests.benchmarks.cluster_databases import DISTRIBUTED, PLAIN, filled
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.ingest import PATH
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.seeds import Size
from tests.benchmarks.servers import FOLDER, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded
from tests.support.citus import VARIABLE
from tests.support.committers import make_committer

WARM_UP_SECONDS = 2
NOTE = "Nodes that share one machine with the load and the gateway show the overhead of distributing, and no gain."
BATCH_PROGRAMS, BATCH_CLICKS = 8, 64
# In each turn.
BATCHES, QUESTIONS = 10, 5
LINKS = "SELECT program_id, id, partner_id FROM referral_links ORDER BY program_id, id"
HEADER = f"{'':40} {PLAIN:>9} {DISTRIBUTED:>9} {'ratio':>6}"


def main() -> None:
    """Run the comparison that the command line asks for, and print it."""
    options = _options()
    size = size_of(options)
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs as a separate user
        urls = stack.enter_context(filled(options.cluster, folder, size, options.shards))
        print(f"{size.events} clicks of {size.programs} programs, {os.cpu_count()} processors\n{NOTE}\n{HEADER}")
        asyncio.run(_reports(urls, size, options.rounds))
        recorded = asyncio.run(_batches(urls, options.rounds))
        answered = _clicks(urls, folder, options)
        for name, url in urls.items():
            events = databases.audit(url, answered=size.events + recorded + answered[name])
            print(f"audit, {name}: {events} clicks stored, every counter agrees")


async def _reports(urls: Mapping[str, str], size: Size, rounds: int) -> None:
    """Print the times of each report, of one program and of all."""
    every = ReportRequest(seeds.START, seeds.START + timedelta(days=size.days), totals=False)
    parts: Mapping[str, Mapping[str, object]] = {
        "totals": {"totals": True},
        "days": {"series": (Interval.DAY,)},
        "ranking of countries": {"tops": (Top("country"),)},
        "breakdown by two dimensions": {"breakdowns": (BreakdownRequest(("utm_campaign", "browser")),)},
    }
    async with AsyncExitStack() as stack:
        contexts = {
            name: Context(
                await stack.enter_async_context(offline_services(Settings(database_url=url))), viewer=ADMINISTRATOR
            )
            for name, url in urls.items()
        }
        for subject, chosen in (("a program", ReportFilter(program_ids=(1,))), ("all", ReportFilter())):
            for part, changed in parts.items():
                request = _changed(every, filter=chosen, **changed)
                times: dict[str, list[float]] = {name: [] for name in urls}
                for number in range(rounds + 1):
                    for name in _in_turn(urls, number):
                        seconds = await _report_seconds(contexts[name], request)
                        if number:  # the first one fills caches
                            times[name].append(1e3 * seconds)
                _print(f"{subject}: {part}, ms", times)


def _changed(request: ReportRequest, **changed: object) -> ReportRequest:
    fields = {name: getattr(request, name) for name in ReportRequest.__dataclass_fields__}
    return ReportRequest(**(fields | changed))


async def _report_seconds(context: Context, request: ReportRequest) -> float:
    """Return the median time of a report."""
    seconds = []
    for _ in range(QUESTIONS):
        started = perf_counter()
        await reader.read(context, request)
        seconds.append(perf_counter() - started)
    return median(seconds)


async def _batches(urls: Mapping[str, str], rounds: int) -> int:
    """Print the times of batches; return how many clicks each database was given."""
    stores = {name: Store(url) for name, url in urls.items()}
    committers = {name: make_committer(store) for name, store in stores.items()}
    times: dict[str, list[float]] = {name: [] for name in urls}
    links = {name: await _links(store) for name, store in stores.items()}
    given = 0
    for number in range(rounds + 1):
        for name in _in_turn(urls, number):
            seconds = []
            for _ in range(BATCHES):
                batch = _batch(links[name])
                started = perf_counter()
                outcomes = await committers[name].commit(batch)
                seconds.append(perf_counter() - started)
                if refused := [outcome for outcome in outcomes if isinstance(outcome, Exception)]:
                    raise Wrong(f"{len(refused)} clicks of a batch were refused: {refused[0]}")
            if number:
                times[name].append(1e3 * median(seconds))
        given += BATCHES * BATCH_CLICKS
    for name, committer in committers.items():
        await committer.disconnect()
        await stores[name].close()
    _print(f"batch of {BATCH_CLICKS} clicks of {BATCH_PROGRAMS} programs, ms", times)
    return given


async def _links(store: Store) -> Sequence[tuple[int, int, int]]:
    """Return as many links as a batch has clicks, the same number of each program."""
    each = BATCH_CLICKS // BATCH_PROGRAMS
    async with store.read() as connection:
        rows = [(row[0], row[1], row[2]) for row in await connection.execute(text(LINKS))]
    programs = sorted({program_id for program_id, _, _ in rows})[:BATCH_PROGRAMS]
    return [row for id in programs for row in [row for row in rows if row[0] == id][:each]]


def _batch(links: Sequence[tuple[int, int, int]]) -> Sequence[Click]:
    now = datetime.now(UTC)
    url = "https://shop.example.com/?aff=CODE"
    return [Click(now, program_id, id, partner_id, url, VisitRecord()) for program_id, id, partner_id in links]


def _clicks(urls: Mapping[str, str], folder: Path, options: argparse.Namespace) -> Mapping[str, int]:
    """Print what gateways record under load; return how many clicks each answered."""
    load = Load(PATH, FOLDER / "click.lua", ["event-ids"] if options.event_ids else [], options.connections)
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(gateway(url, folder / f"{name}.log", geoip=options.geoip))
            for name, url in urls.items()
        }
        runs = {name: [loaded(server, load, WARM_UP_SECONDS)] for name, server in servers.items()}
        for number in range(options.rounds):
            for name in _in_turn(urls, number):
                runs[name].append(loaded(servers[name], load, options.seconds))
    columns: Mapping[str, Callable[[Run], float]] = {
        "clicks per second": lambda each: each.rate,
        "p50 of a click, ms": lambda each: each.p50_ms,
        "p99 of a click, ms": lambda each: each.p99_ms,
        "refused clicks": lambda each: each.not_2xx,
    }
    for title, value in columns.items():
        _print(title, {name: [value(each) for each in rows[1:]] for name, rows in runs.items()})
    return {name: _answered(rows) for name, rows in runs.items()}


def _answered(rows: Sequence[Run]) -> int:
    return sum(each.answers - each.not_2xx for each in rows)


def _in_turn(urls: Mapping[str, str], number: int) -> Sequence[str]:
    return list(urls) if number % 2 == 0 else list(urls)[::-1]


def _print(title: str, values: Mapping[str, Sequence[float]]) -> None:
    """Print the medians, and the median of the rounds' ratios."""
    plain, cluster = values[PLAIN], values[DISTRIBUTED]
    ratios = [there / here for here, there in zip(plain, cluster, strict=True) if here]
    ratio = f"{median(ratios):6.2f}" if ratios else ""
    print(f"{title:40} {median(plain):9.2f} {median(cluster):9.2f} {ratio}", flush=True)


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument(
        "--cluster",
        metavar="URL",
        default=os.environ.get(VARIABLE),
        help=f"a database on the coordinator that knows its nodes (default: {VARIABLE})",
    )
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--seconds", type=int, default=5, help="length of each turn of clicks (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    ask.add_argument("--connections", type=int, default=64, help="of wrk (default: %(default)s)")
    ask.add_argument("--shards", type=int, default=8, help="parts of each distributed table (default: %(default)s)")
    add_size(ask)
    ask.set_defaults(events=200_000, customers=60_000, links=400, partners=80, programs=BATCH_PROGRAMS)
    options = ask.parse_args()
    if not options.cluster:
        ask.error(f"name a cluster with --cluster or {VARIABLE}")
    if options.programs < BATCH_PROGRAMS:
        ask.error(f"a batch has clicks of {BATCH_PROGRAMS} programs")
    return options


if __name__ == "__main__":
    run(main)
