"""Compare the click endpoint with the upper limit and with a naive endpoint, side by side, on fresh databases.

The machine's speed changes from minute to minute, so the candidates take turns (A B C, C B A, ...), and the result is
the ratio within each round. Afterwards the gateway's counters are audited; a difference fails the run.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from tests.benchmarks import databases
from tests.benchmarks.databases import Kind
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import FOLDER, Server, application, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded

PATH = "/api/v1/track/click"
DRIVERS: Mapping[Kind, str] = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
LIMIT, BARE_LIMIT, PEER, OURS = "ceiling", "ceiling, bare ASGI", "naive", "clickgate"
WARM_UP_SECONDS = 2
HEADER = (
    f"{'':20} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'non-2xx':>8} {'CPU us':>8} "
    f"{'x ceiling':>10} {'x naive':>8} {'x p99':>6}"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of a candidate's turns. Ratios are the medians of the rounds' ratios, of responses per second and of
    99th percentiles."""

    rate: float
    p50_ms: float
    p99_ms: float
    not_2xx: float
    cpu_us: float
    to_ceiling: float
    to_naive: float
    p99_to_ceiling: float


def main() -> None:
    """Run the comparison that the command line asks for, and print it."""
    options = _options()
    kinds: Sequence[Kind] = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    measured: dict[str, dict[str, Figures]] = {}
    with TemporaryDirectory(prefix="clickgate-bench-") as folder:
        for kind in kinds:
            measured[kind] = _measure(kind, Path(folder), options)
            _print(kind, measured[kind])
    if options.json:
        figures = {kind: {name: asdict(row) for name, row in rows.items()} for kind, rows in measured.items()}
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")


def load(server: Server, options: argparse.Namespace, seconds: int) -> Run:
    """Load a server with clicks for a number of seconds."""
    arguments = ["event-ids"] if options.event_ids else []
    return loaded(server, Load(PATH, FOLDER / "click.lua", arguments, options.connections), seconds)


def _measure(kind: Kind, folder: Path, options: argparse.Namespace) -> dict[str, Figures]:
    with ExitStack() as stack:
        fresh = stack.enter_context(databases.fresh_databases(kind, folder, options.postgresql_url))
        ours_url = fresh("ours")
        databases.prepare(ours_url)
        candidates = _candidates(kind, fresh("naive"), ours_url, folder, options)
        for server in candidates.values():
            stack.enter_context(server)
        runs = _rounds(candidates, options)
        ours = candidates[OURS]
        ours.stop()
        # The first run is the warm-up, whose clicks are counted as well.
        answered = sum(run.answers - run.not_2xx for run in runs[OURS])
        events = databases.audit(ours_url, answered=answered)
        print(f"audit on {kind}: {answered} clicks answered, {events} stored, every counter agrees")
        if tracebacks := ours.tracebacks():
            raise Wrong(f"the gateway logged {len(tracebacks)} tracebacks, the first: {tracebacks[0]}")
    return _figures({name: rows[1:] for name, rows in runs.items()})


def _candidates(
    kind: Kind, naive_url: str, ours_url: str, folder: Path, options: argparse.Namespace
) -> dict[str, Server]:
    naive = {
        "NAIVE_DATABASE_URL": make_url(naive_url).set(drivername=DRIVERS[kind]).render_as_string(hide_password=False),
        "NAIVE_GEOIP_DB": options.geoip.split(",")[0],
    }

    def log(name: str) -> Path:
        return folder / f"{kind}-{name}.log"

    return {
        LIMIT: application("ceiling:app", log("ceiling"), {}),
        BARE_LIMIT: application("ceiling:raw_app", log("bare"), {}),
        PEER: application("naive:app", log("naive"), naive),
        OURS: gateway(ours_url, log("ours"), workers=options.workers, geoip=options.geoip),
    }


def _rounds(candidates: Mapping[str, Server], options: argparse.Namespace) -> dict[str, list[Run]]:
    """Load each candidate once as a warm-up and then in turn; return each one's runs, starting with the warm-up."""
    runs = {name: [load(server, options, WARM_UP_SECONDS)] for name, server in candidates.items()}
    names = list(candidates)
    for number in range(options.rounds):
        for name in names if number % 2 == 0 else reversed(names):
            runs[name].append(load(candidates[name], options, options.seconds))
    return runs


def _figures(runs: Mapping[str, Sequence[Run]]) -> dict[str, Figures]:
    def middle(name: str, value: Callable[[Run], float]) -> float:
        return median(value(run) for run in runs[name])

    def ratio(name: str, to: str, value: Callable[[Run], float] = lambda run: max(run.rate, 1)) -> float:
        return median(value(run) / value(other) for run, other in zip(runs[name], runs[to], strict=True))

    return {
        name: Figures(
            rate=middle(name, lambda run: run.rate),
            p50_ms=middle(name, lambda run: run.p50_ms),
            p99_ms=middle(name, lambda run: run.p99_ms),
            not_2xx=middle(name, lambda run: run.not_2xx),
            cpu_us=middle(name, lambda run: run.cpu_us),
            to_ceiling=ratio(name, LIMIT),
            to_naive=ratio(name, PEER),
            p99_to_ceiling=ratio(name, LIMIT, lambda run: run.p99_ms),
        )
        for name in runs
    }


def _print(kind: Kind, figures: Mapping[str, Figures]) -> None:
    print(f"\n{kind}\n{HEADER}")
    for name, row in figures.items():
        print(
            f"{name:20} {row.rate:8.0f} {row.p50_ms:8.2f} {row.p99_ms:8.2f} {row.not_2xx:8.0f} {row.cpu_us:8.0f} "
            f"{row.to_ceiling:10.3f} {row.to_naive:8.1f} {row.p99_to_ceiling:6.1f}"
        )


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas; the peer takes the first")
    ask.add_argument("--seconds", type=int, default=5, help="length of each turn (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=5, help="turns of each candidate, at least 3 (default: %(default)s)")
    ask.add_argument("--connections", type=int, default=64, help="of wrk (default: %(default)s)")
    ask.add_argument("--workers", type=int, default=1, help="processes of the gateway; PostgreSQL only")
    ask.add_argument("--event-ids", action="store_true", help="give each click an event_id of its own")
    ask.add_argument("--json", help="a file to keep the figures in")
    options = ask.parse_args()
    if options.rounds < 3:
        ask.error("fewer than three rounds say nothing on a shared machine")
    return options


if __name__ == "__main__":
    run(main)
