"""Measure how much a gateway's memory grows while it records millions of clicks at full load."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import databases
from tests.benchmarks.ingest import PATH
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import FOLDER, Memory, gateway
from tests.benchmarks.wrk_load import Load, loaded

TURN_SECONDS = 10
ROWS = 20


def main() -> None:
    """Load a gateway until it has answered a number of clicks; fail if it grew by more than the bound after the first
    of them, which fill the caches."""
    options = _options()
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        fresh = stack.enter_context(databases.fresh_databases(options.database, folder, options.postgresql_url))
        url = fresh("memory")
        databases.prepare(url)
        server = stack.enter_context(gateway(url, folder / "gateway.log", geoip=options.geoip))
        load = Load(PATH, FOLDER / "click.lua", ["event-ids"] if options.event_ids else [])
        warm: Memory | None = None
        answers = shown = 0
        print(f"{'clicks':>10} {'RSS MiB':>8} {'own MiB':>8}")
        while answers < options.clicks:
            answers += loaded(server, load, options.seconds if warm else 1).answers
            memory = server.memory()
            if warm is None and answers >= options.warm_up:
                warm = memory
            if answers >= shown or answers >= options.clicks:
                print(f"{answers:10} {memory.resident:8.1f} {memory.own:8.1f}", flush=True)
                shown = answers + options.clicks // ROWS
        server.stop()
        databases.audit(url, answered=answers)
    growth = memory.resident - warm.resident if warm else 0
    print(f"grew by {growth:.1f} MiB after {options.warm_up} clicks; the bound is {options.bound_mb}")
    if growth > options.bound_mb:
        raise Wrong("the memory grows with the clicks")


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    ask.add_argument("--postgresql-url", help="a server to make a database on, instead of one of our own")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--clicks", type=int, default=5_000_000, help="(default: %(default)s)")
    ask.add_argument("--warm-up", type=int, default=100_000, help="clicks before the count (default: %(default)s)")
    ask.add_argument("--seconds", type=int, default=TURN_SECONDS, help="between two looks (default: %(default)s)")
    ask.add_argument("--event-ids", action="store_true", help="give each click an event_id of its own")
    ask.add_argument("--bound-mb", type=int, default=20, help="allowed growth (default: %(default)s)")
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
