"""Measure sales beside clicks on the same gateway, in turns, on fresh databases.

Each sale is the first one of another customer and earns a commission. The machine's speed changes from minute to
minute, so sales and clicks take turns (A B, B A, …), and the ratio within a round says more than the rate. Afterwards
every acknowledged sale must be stored, and the audit must agree.
"""

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rest.sales import PATH as SALE_PATH
from tests.benchmarks import databases
from tests.benchmarks.databases import Kind
from tests.benchmarks.merchants import Merchant, prepare_merchant
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import FOLDER, Server, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded

CLICK_PATH = "/api/v1/track/click"
WARM_UP_SECONDS = 2
# Sales a second, and the slowest of a hundred answers, that a machine with two cores should reach.
ASKED = {"sqlite": 1500, "postgresql": 1000}
ASKED_P99_MS = 100


class SaleLoad:
    """Sales of customers who have not bought yet, as long as there are any."""

    def __init__(self, merchant: Merchant, folder: Path, connections: int) -> None:
        self._token = merchant.token
        self._file = folder / "click-ids.txt"
        self._file.write_text("\n".join(merchant.click_ids) + "\n")
        self._customers = len(merchant.click_ids)
        self._connections = connections
        self.sent = 0

    def run(self, server: Server, seconds: int) -> Run:
        """Load a server with sales for a number of seconds. Raises `Wrong` if customers bought twice."""
        arguments = [self._token, str(self._file), str(self.sent)]
        found = loaded(server, Load(SALE_PATH, FOLDER / "sale.lua", arguments, self._connections), seconds)
        # wrk does not count the answers that it did not wait for.
        self.sent += found.answers + self._connections
        if self.sent > self._customers:
            raise Wrong(f"{self._customers} customers are too few for {self.sent} sales: ask for more with --customers")
        return found


def main() -> None:
    """Run the measurement that the command line asks for, and print it."""
    options = _options()
    kinds: Sequence[Kind] = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    with TemporaryDirectory(prefix="clickgate-bench-") as folder:
        for kind in kinds:
            _measure(kind, Path(folder), options)


def _measure(kind: Kind, folder: Path, options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        fresh = stack.enter_context(databases.fresh_databases(kind, folder, options.postgresql_url))
        url = fresh("sales")
        merchant = prepare_merchant(url, databases.prepare(url), options.customers)
        sales = SaleLoad(merchant, folder, options.connections)
        clicks = Load(CLICK_PATH, FOLDER / "click.lua", (), options.connections)
        server = stack.enter_context(gateway(url, folder / f"{kind}.log", workers=options.workers))
        warm = [sales.run(server, WARM_UP_SECONDS), loaded(server, clicks, WARM_UP_SECONDS)]
        rounds: list[tuple[Run, Run]] = []
        for number in range(options.rounds):
            if number % 2 == 0:
                sold = sales.run(server, options.seconds)
                rounds.append((sold, loaded(server, clicks, options.seconds)))
            else:
                clicked = loaded(server, clicks, options.seconds)
                rounds.append((sales.run(server, options.seconds), clicked))
        server.stop()
        if tracebacks := server.tracebacks():
            raise Wrong(f"the gateway logged {len(tracebacks)} tracebacks, the first: {tracebacks[0]}")
        _check(url, sum(run.answers - run.not_2xx for run in (warm[0], *(sold for sold, _ in rounds))))
    _print(kind, rounds)


def _check(url: str, acknowledged: int) -> None:
    found = json.loads(databases.clickgate(url, "audit"))
    if found["differences"] or found["sales"] < acknowledged or found["commissions"] < acknowledged:
        raise Wrong(f"{acknowledged} sales were answered, but the audit found {json.dumps(found, indent=2)}")
    print(f"audit: {acknowledged} sales answered, {found['sales']} stored, everything agrees")


def _print(kind: Kind, rounds: Sequence[tuple[Run, Run]]) -> None:
    print(f"\n{kind}\n{'':8} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>8} {'non-2xx':>8}")
    for name, runs in zip(("sales", "clicks"), zip(*rounds, strict=True), strict=True):
        columns = ((run.rate, run.p50_ms, run.p99_ms, run.cpu_us) for run in runs)
        rate, p50, p99, cpu = (median(column) for column in zip(*columns, strict=True))
        print(f"{name:8} {rate:8.0f} {p50:8.2f} {p99:8.2f} {cpu:8.0f} {sum(run.not_2xx for run in runs):8}")
    ratios = [sold.rate / max(clicked.rate, 1) for sold, clicked in rounds]
    every = " ".join(f"{ratio:.3f}" for ratio in ratios)
    print(f"sales to clicks: median {median(ratios):.3f} ({every})")
    rate, p99 = (median(getattr(sold, name) for sold, _ in rounds) for name in ("rate", "p99_ms"))
    print(f"asked: {ASKED[kind]} sales a second with a p99 under {ASKED_P99_MS} ms; found: {rate:.0f} and {p99:.1f} ms")


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--seconds", type=int, default=5, help="length of each turn (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    ask.add_argument("--connections", type=int, default=64, help="of wrk (default: %(default)s)")
    ask.add_argument("--workers", type=int, default=1, help="processes of the gateway; PostgreSQL only")
    ask.add_argument("--customers", type=int, default=150_000, help="who can buy (default: %(default)s)")
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
