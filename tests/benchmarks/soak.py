"""Run a gateway at full load for minutes with all kinds of requests, and watch its memory.

Each response is checked during the run, and at the end the database must contain exactly what was acknowledged.
"""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

import uvloop
from sqlalchemy import func, select

from db.engine.store import Store
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.customers import Customer
from tests.benchmarks import databases
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import Memory, Server, gateway
from tests.benchmarks.traffic import Traffic
from tests.benchmarks.visitors import NoAnswer, Visitor

SAMPLE_SECONDS = 3.0
ROWS = 20
# The part of the run during which caches fill and pools grow; the bound applies to the rest.
WARM_UP_SHARE = 1 / 3
PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """The measurements at one point of the run."""

    seconds: float
    answers: int
    cpu_seconds: float
    memory: Memory


@dataclass(slots=True)
class Soak:
    """A run: its traffic, its samples, and the number of each kind of wrong response."""

    server: Server
    traffic: Traffic
    answers: int = 0
    samples: list[Sample] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)

    async def run(self, seconds: float, connections: int) -> None:
        """Send requests and check responses for some seconds."""
        started = time.monotonic()
        visits = [asyncio.create_task(self._visit(started + seconds)) for _ in range(connections)]
        while (elapsed := time.monotonic() - started) < seconds:
            self.samples.append(Sample(elapsed, self.answers, self.server.cpu_seconds(), self.server.memory()))
            await asyncio.sleep(min(SAMPLE_SECONDS, seconds / ROWS))
        await asyncio.gather(*visits)

    async def _visit(self, deadline: float) -> None:
        with Visitor(self.server.port) as visitor:
            while time.monotonic() < deadline:
                exchange = self.traffic.draw()
                try:
                    problem = exchange.judge(await visitor.send(exchange.request))
                    self.answers += 1
                except NoAnswer as silence:
                    problem = f"no answer: {silence}"
                if problem:
                    self.problems[f"{exchange.kind}: {problem}"] += 1


def main() -> None:
    """Run the test that the command line asks for; print the table, and fail if anything was wrong."""
    options = _options()
    with TemporaryDirectory(prefix="clickgate-soak-") as folder, ExitStack() as stack:
        fresh = stack.enter_context(databases.fresh_databases(options.database, Path(folder), options.postgresql_url))
        url = fresh("soak")
        traffic = Traffic(Random(options.seed), databases.prepare(url))
        server = gateway(url, Path(folder) / "gateway.log", workers=options.workers, geoip=options.geoip)
        soak = Soak(server, traffic)
        with server:
            uvloop.run(soak.run(options.minutes * 60, options.connections))
        faults = [*_table(soak.samples, options.bound_mb), *_problems(soak), *asyncio.run(_books(url, traffic))]
        events = databases.audit(url, answered=traffic.events)
        print(f"audit: {traffic.events} clicks answered, {events} stored, every counter agrees")
    if faults:
        raise Wrong("\n".join(faults))


def _table(samples: Sequence[Sample], bound_mb: float) -> list[str]:
    print(f"{'seconds':>8} {'answers/s':>10} {'CPU %':>6} {'RSS MiB':>8} {'own MiB':>8}")
    shown = samples[:: max(1, len(samples) // ROWS)]
    for earlier, sample in pairwise(shown):
        passed = sample.seconds - earlier.seconds
        rate, busy = (sample.answers - earlier.answers) / passed, (sample.cpu_seconds - earlier.cpu_seconds) / passed
        print(f"{sample.seconds:8.0f} {rate:10.0f} {busy:6.0%} {sample.memory.resident:8.1f} {sample.memory.own:8.1f}")
    warm = [sample.memory.own for sample in samples if sample.seconds >= samples[-1].seconds * WARM_UP_SHARE]
    quarter = max(1, len(warm) // 4)
    growth = median(warm[-quarter:]) - median(warm[:quarter])
    verdict = f"own memory grew by {growth:.1f} MiB after the warm-up; the bound is {bound_mb:.0f}"
    print(verdict)
    return [verdict] if growth > bound_mb else []


def _problems(soak: Soak) -> list[str]:
    print("sent: " + ", ".join(f"{kind} {count}" for kind, count in soak.traffic.kinds.most_common()))
    wrong = [f"{count} times {problem}" for problem, count in soak.problems.most_common(PROBLEMS_SHOWN)]
    tracebacks = soak.server.tracebacks()
    return wrong + ([f"{len(tracebacks)} tracebacks in the log, the first: {tracebacks[0]}"] if tracebacks else [])


async def _books(url: str, traffic: Traffic) -> list[str]:
    """Return the differences between the database and what was acknowledged."""
    store = Store(url)
    wrong = []
    promised = ((ClickEvent, traffic.events), (Customer, traffic.customers), (ClickTestEvent, traffic.tests))
    try:
        async with store.read() as connection:
            for table, answered in promised:
                stored = await connection.scalar(select(func.count()).select_from(table))
                if stored != answered:
                    wrong.append(f"{table.__tablename__} has {stored} rows, but {answered} were answered")
    finally:
        await store.close()
    return wrong


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    ask.add_argument("--postgresql-url", help="a server to make a database on, instead of one of our own")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--minutes", type=float, default=10, help="(default: %(default)s)")
    ask.add_argument("--connections", type=int, default=64, help="(default: %(default)s)")
    ask.add_argument("--workers", type=int, default=1, help="processes of the gateway; PostgreSQL only")
    ask.add_argument("--bound-mb", type=float, default=8, help="allowed growth after warm-up (default: %(default)s)")
    ask.add_argument("--seed", type=int, default=1, help="of the traffic (default: %(default)s)")
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
