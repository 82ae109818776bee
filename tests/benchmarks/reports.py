"""Compare click reports on a million events and on ten times as many, with the same links, customers and days.

Totals and series are read from sums, so their time must not depend on the number of clicks. The two databases take
turns, and the result is the ratio of the medians.
"""

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from gateway.configuration.settings import Settings
from gateway.services import offline_services
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from graph.reports import reader
from graph.reports.calendars import Interval
from graph.reports.requests import ReportFilter, ReportRequest
from tests.benchmarks import databases, generator, seeds
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.seeds import Size

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")
# Of each kind so many are asked about in turn, so that not one subject's rows alone stay in memory.
SUBJECTS = 20


@dataclass(frozen=True, slots=True)
class Question:
    """A report's name, and the report about each of some subjects."""

    name: str
    requests: Sequence[ReportRequest]


def main() -> None:
    """Measure each report and print a line for it; fail if one takes too much longer on the larger database."""
    options = _options()
    small = size_of(options)
    large = replace(small, events=small.events * options.times)
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        urls = options.filled
        if not urls:
            Path(name).chmod(0o755)  # the server runs as a separate user
            fresh = stack.enter_context(databases.postgresql(options.postgresql_url, Path(name)))
            urls = [fresh("small"), fresh("large")]
            for url, size in zip(urls, (small, large), strict=True):
                generator.prepare(url, size)
        slow = asyncio.run(_measure_all(urls, small, options))
    if slow:
        raise Wrong(f"more than {options.at_most} times as slow on {options.times} times the events: {', '.join(slow)}")


async def _measure_all(urls: Sequence[str], size: Size, options: argparse.Namespace) -> Sequence[str]:
    """Print every report's times; return the names of those whose ratio is too high."""
    slow = []
    async with AsyncExitStack() as stack:
        contexts = [
            Context(await stack.enter_async_context(offline_services(Settings(database_url=url))), viewer=ADMINISTRATOR)
            for url in urls
        ]
        print(f"{'':32} {'small ms':>9} {'large ms':>9} {'ratio':>6}")
        for question in _questions(size):
            small, large = await _measure(contexts, question, options.rounds)
            print(f"{question.name:32} {small * 1e3:9.2f} {large * 1e3:9.2f} {large / small:6.2f}", flush=True)
            if large / small > options.at_most:
                slow.append(question.name)
    return slow


async def _measure(contexts: Sequence[Context], question: Question, rounds: int) -> tuple[float, float]:
    """Return a report's median time in seconds on each database, after a warm-up with each subject."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for request in question.requests:
            for at in (0, 1) if number % 2 == 0 else (1, 0):
                started = perf_counter()
                await reader.read(contexts[at], request)
                if number:
                    seconds[at].append(perf_counter() - started)
    return median(seconds[0]), median(seconds[1])


def _questions(size: Size) -> Iterator[Question]:
    """Yield the reports: totals and days in three time zones, each of a partner, a program and a link."""
    every = ReportRequest(seeds.START, seeds.START + timedelta(days=size.days), totals=False)
    asked: Mapping[str, ReportRequest] = {
        "totals": replace(every, totals=True),
        **{f"days, {zone}": replace(every, timezone=zone, series=(Interval.DAY,)) for zone in ZONES},
    }
    for kind, filters in _subjects(size).items():
        for name, request in asked.items():
            yield Question(f"{kind}: {name}", [replace(request, filter=one) for one in filters])


def _subjects(size: Size) -> Mapping[str, Sequence[ReportFilter]]:
    def some(count: int) -> Sequence[int]:
        return range(1, count + 1, max(1, count // SUBJECTS))[:SUBJECTS]

    return {
        "a partner": [ReportFilter(partner_ids=(id,)) for id in some(size.partners)],
        "a program": [ReportFilter(program_ids=(id,)) for id in some(size.programs)],
        "a link": [ReportFilter(link_ids=(id,)) for id in some(size.links)],
    }


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--filled", nargs=2, metavar="URL", help="databases filled already, the small and the large one")
    ask.add_argument("--times", type=int, default=10, help="how many times the larger one's events (default: 10)")
    ask.add_argument("--rounds", type=int, default=3, help="times that each is asked (default: %(default)s)")
    ask.add_argument("--at-most", type=float, default=1.5, help="the largest ratio allowed (default: %(default)s)")
    add_size(ask)
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
