"""Compare click reports with and without conversions, over all days of a history with many sales.

The sales are recorded and aggregated by the product's own code: one in three is refunded in part, and every one has a
commission. The two kinds of reports take turns, and the result is the ratio of the medians: of a request to a gateway,
from sending it until its response was read, and of the part that reads the database.
"""

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import insert, select, update

from db.engine.store import Store
from db.ingest.conversions.records import NewRefund, NewSale
from db.outbox.consumers import add_consumer
from db.outbox.runner import ConsumerRunner
from db.rollups.aggregator import ConversionAggregator
from db.schema.clicks import ClickEvent
from db.schema.commissions import CommissionRule
from db.schema.programs import Program
from gateway.configuration.settings import Settings
from gateway.services import offline_services
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from graph.reports import reader
from graph.reports.calendars import Interval
from graph.reports.requests import ReportFilter, ReportRequest
from tests.benchmarks import databases, generator, seeds
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.report_requests import asking
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.seeds import Size
from tests.support.committers import make_committer

BATCH = 500
WARM_UP_ROUNDS = 2
CURRENCIES = ("USD", "EUR")


def main() -> None:
    """Measure each report and print a line for it; fail if conversions cost too much."""
    options = _options()
    size = size_of(options)
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        urls = options.filled
        if not urls:
            Path(name).chmod(0o755)  # the server runs as a separate user
            fresh = stack.enter_context(databases.postgresql(options.postgresql_url, Path(name)))
            urls = [f"sqlite+aiosqlite:///{name}/history.db", fresh("history")]
            for url in urls:
                generator.prepare(url, size)
        slow: list[str] = []
        for url in urls:
            if not options.has_sales:
                asyncio.run(_sell(url, size, options.sales))
            asyncio.run(_measure_reader(url, size, options))
            slow += _measure_requests(url, size, Path(name), options)
    if slow:
        raise Wrong(f"more than {options.at_most} times as slow with conversions: {', '.join(slow)}")


async def _sell(url: str, size: Size, sales: int) -> None:
    """Record sales of customers whose clicks are spread evenly over the history, and aggregate them."""
    store = Store(url)
    started = perf_counter()
    async with store.write() as connection:
        rule = {"event": "sale", "kind": "percent", "basis_points": 1000, "effective_from": seeds.START}
        rules = [{"program_id": at + 1, **rule} for at in range(size.programs)]
        await connection.execute(insert(CommissionRule), rules)
        await connection.execute(update(Program).values(cookie_window_days=365))
        wanted = select(ClickEvent.program_id, ClickEvent.id, ClickEvent.click_id, ClickEvent.occurred_at)
        step = max(1, size.events // sales)
        clicks = (await connection.execute(wanted.where(ClickEvent.id % step == 1).order_by(ClickEvent.id))).all()
    committer = make_committer(store)
    for start in range(0, len(clicks), BATCH):
        part = clicks[start : start + BATCH]
        for records in zip(*(_records(click) for click in part), strict=True):
            if made := [record for record in records if record is not None]:
                await committer.commit(made)
    await committer.disconnect()
    recorded = perf_counter()
    consumer = ConversionAggregator(store, pause_seconds=0)
    await add_consumer(store, consumer)
    runner = ConsumerRunner(store, consumer, clock=lambda: datetime.now(UTC))
    await runner.run_all()
    await runner.close()
    async with store.write() as connection:
        await connection.exec_driver_sql("ANALYZE")
    await store.close()
    seconds = (recorded - started, perf_counter() - recorded)
    print(f"{len(clicks)} sales on {store.name}: recorded in {seconds[0]:.0f} s, aggregated in {seconds[1]:.0f} s")


def _records(click: Any) -> tuple[NewSale, NewRefund | None]:
    program_id, id, click_id, clicked_at = click
    # The customer's last click may be later than this one.
    at = min(clicked_at + timedelta(days=id % 20), seeds.START + timedelta(days=89))
    sale = NewSale(at, program_id, f"t{id}", 100 + id % 10_000, CURRENCIES[id % 2], click_id=click_id)
    return sale, NewRefund(at + timedelta(hours=3), program_id, f"t{id}", 50) if id % 3 == 0 else None


async def _measure_reader(url: str, size: Size, options: argparse.Namespace) -> None:
    """Print each report's times without the gateway around it."""
    async with offline_services(Settings(database_url=url)) as services:
        context = Context(services, viewer=ADMINISTRATOR)

        async def seconds(request: ReportRequest) -> float:
            started = perf_counter()
            await reader.read(context, request)
            return perf_counter() - started

        _print_header(f"reading {services.store.name}")
        for name, request in _questions(size):
            turns = [[await seconds(asked) for asked in each] for each in _turns(request, options.rounds)]
            _print(name, _medians(turns))


def _measure_requests(url: str, size: Size, folder: Path, options: argparse.Namespace) -> Sequence[str]:
    """Print each request's times; return the names of those whose ratio is too high."""
    slow = []
    with asking(url, folder) as gateway:
        _print_header("requests")
        for name, request in _questions(size):
            turns = [[gateway.seconds(asked) for asked in each] for each in _turns(request, options.rounds)]
            without, with_them = _medians(turns)
            _print(name, (without, with_them))
            if with_them / without > options.at_most:
                slow.append(name)
    return slow


def _turns(request: ReportRequest, rounds: int) -> Iterator[Sequence[ReportRequest]]:
    """Yield a report without and with conversions for each round, after two rounds that warm up."""
    richer = replace(request, conversion_totals=request.totals, conversion_series=request.series)
    yield from [(request, richer)] * (rounds + WARM_UP_ROUNDS)


def _medians(turns: Sequence[Sequence[float]]) -> tuple[float, float]:
    without, with_them = zip(*turns[WARM_UP_ROUNDS:], strict=True)
    return median(without), median(with_them)


def _print_header(title: str) -> None:
    print(f"{title:40} {'without':>9} {'with ms':>9} {'ratio':>6}")


def _print(name: str, seconds: tuple[float, float]) -> None:
    without, with_them = seconds
    print(f"{name:40} {without * 1e3:9.2f} {with_them * 1e3:9.2f} {with_them / without:6.2f}", flush=True)


def _questions(size: Size) -> Iterator[tuple[str, ReportRequest]]:
    """Yield reports over all days: totals and days, of everything and of one of each kind."""
    every = ReportRequest(seeds.START, seeds.START + timedelta(days=size.days), totals=False)
    asked: Mapping[str, ReportRequest] = {
        "totals": replace(every, totals=True),
        "days, Berlin": replace(every, timezone="Europe/Berlin", series=(Interval.DAY,)),
    }
    subjects = {
        "everything": ReportFilter(),
        "a program": ReportFilter(program_ids=(1,)),
        "a partner": ReportFilter(partner_ids=(1,)),
        "a link": ReportFilter(link_ids=(1,)),
        "people": ReportFilter(is_bot=False),
    }
    for kind, chosen in subjects.items():
        for name, request in asked.items():
            yield f"{kind}: {name}", replace(request, filter=chosen)


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--filled", nargs="+", metavar="URL", help="databases that have a history already")
    ask.add_argument("--has-sales", action="store_true", help="the filled databases have their sales already")
    ask.add_argument("--sales", type=int, default=30_000, help="how many sales (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=7, help="times that each is asked (default: %(default)s)")
    ask.add_argument(
        "--at-most", type=float, default=2, help="the largest ratio allowed for a request (default: %(default)s)"
    )
    add_size(ask)
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
