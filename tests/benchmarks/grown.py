"""Compare clicks on a database that contains millions with clicks on an almost empty one, each click with an
`event_id`.

The gateways take turns, and the result is the ratio within each round.
"""

import argparse
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks import databases, generator
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.ingest import PATH
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import FOLDER, Server, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded

WARM_UP_SECONDS = 3
# At least as many customers as links.
FEW_CUSTOMERS = 2000


def main() -> None:
    """Fill a database unless one is given; measure both; fail if the full one is too much slower."""
    options = _options()
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        fresh = stack.enter_context(databases.fresh_databases(options.database, folder, options.postgresql_url))
        empty, full = fresh("empty"), options.filled or fresh("full")
        # With the same programs, partners and links, over which the clicks are spread.
        generator.prepare(empty, replace(size_of(options), events=2 * FEW_CUSTOMERS, customers=FEW_CUSTOMERS))
        if not options.filled:
            generator.prepare(full, size_of(options))
        servers = [
            stack.enter_context(gateway(url, folder / f"{at}.log", geoip=options.geoip))
            for at, url in enumerate((empty, full))
        ]
        rounds = _rounds(servers, options)
    ratio = median(on_full.rate / on_empty.rate for on_empty, on_full in rounds)
    for at, label in enumerate(("empty", "filled")):
        runs = [both[at] for both in rounds]
        rate, p99, cpu = (median(column) for column in zip(*((r.rate, r.p99_ms, r.cpu_us) for r in runs), strict=True))
        print(f"{label:8} {rate:8.0f} clicks a second, p99 {p99:.1f} ms, {cpu:.0f} us of processor time each")
    print(f"ratio {ratio:.3f}")
    if ratio < options.at_least:
        raise Wrong(f"clicks on the filled database are slower than {options.at_least} of those on an empty one")


def _rounds(servers: list[Server], options: argparse.Namespace) -> list[list[Run]]:
    load = Load(PATH, FOLDER / "click.lua", ["event-ids"])
    for server in servers:
        loaded(server, load, WARM_UP_SECONDS)
    rounds: list[list[Run]] = []
    for number in range(options.rounds):
        turn = servers if number % 2 == 0 else servers[::-1]
        runs = [loaded(server, load, options.seconds) for server in turn]
        rounds.append(runs if number % 2 == 0 else runs[::-1])
    if any(run.not_2xx for both in rounds for run in both):
        raise Wrong("clicks were refused")
    return rounds


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--filled", help="a database that the generator filled before, with --event-ids 1")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--seconds", type=int, default=5, help="length of each turn (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    ask.add_argument("--at-least", type=float, default=0.85, help="the ratio to reach (default: %(default)s)")
    add_size(ask)
    ask.set_defaults(events=10_000_000, customers=3_000_000, event_ids=1)
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
