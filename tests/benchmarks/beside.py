"""Compare the click endpoint of this tree with that of another checkout, such as the commit before a change.

Both gateways run at the same time, each on a database created by its own code, and take turns under load (A B, then
B A), for which they are started anew. The result is the ratio within each round of four turns. The other checkout needs
its own `.venv` (run `make .venv/.installed-dev` there).
"""

import argparse
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from math import sqrt
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks import databases
from tests.benchmarks.databases import Kind
from tests.benchmarks.script_result import run
from tests.benchmarks.servers import FOLDER, SCRIPTS, Server, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded

PATH = "/api/v1/track/click"
WARM_UP_SECONDS = 2
THERE, HERE = "there", "here"
PREPARE = "import sys; from tests.benchmarks import databases; databases.prepare(sys.argv[1])"


def main() -> None:
    """Run the comparison that the command line asks for, and print it."""
    options = _options()
    scripts = {THERE: options.checkout.resolve() / ".venv" / "bin", HERE: SCRIPTS}
    kinds: Sequence[Kind] = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    with TemporaryDirectory(prefix="clickgate-bench-") as folder:
        for kind in kinds:
            _print(kind, _measure(kind, Path(folder), scripts, options))


def _measure(
    kind: Kind, folder: Path, scripts: Mapping[str, Path], options: argparse.Namespace
) -> Mapping[str, Sequence[Run]]:
    load = Load(PATH, FOLDER / "click.lua", ["event-ids"] if options.event_ids else [], options.connections)
    with ExitStack() as stack:
        fresh = stack.enter_context(databases.fresh_databases(kind, folder, options.postgresql_url))
        servers: dict[str, Server] = {}
        for name, bin_folder in scripts.items():
            url = fresh(name)
            tree = bin_folder.parents[1]
            subprocess.run([bin_folder / "python", "-c", PREPARE, url], cwd=tree, check=True)
            log = folder / f"{kind}-{name}.log"
            server = gateway(url, log, workers=options.workers, geoip=options.geoip, scripts=bin_folder)
            servers[name] = stack.enter_context(server)
        runs: dict[str, list[Run]] = {name: [] for name in servers}
        for number in range(2 * options.rounds):
            turns = list(servers) if number % 2 == 0 else list(reversed(servers))
            for name in turns:
                # Processes of the same code differ by up to a seventh, each for as long as it runs.
                servers[name].stop()
                servers[name].start()
                loaded(servers[name], load, WARM_UP_SECONDS)
            for name in turns:
                runs[name].append(loaded(servers[name], load, options.seconds))
        return runs


def _print(kind: Kind, runs: Mapping[str, Sequence[Run]]) -> None:
    print(f"\n{kind}\n{'':8} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>8} {'non-2xx':>8}")
    for name, rows in runs.items():
        columns = ((run.rate, run.p50_ms, run.p99_ms, run.cpu_us) for run in rows)
        rate, p50, p99, cpu = (median(column) for column in zip(*columns, strict=True))
        refused = sum(run.not_2xx for run in rows)
        print(f"{name:8} {rate:8.0f} {p50:8.2f} {p99:8.2f} {cpu:8.0f} {refused:8}")
    turns = list(zip(runs[HERE], runs[THERE], strict=True))
    for title, found in (
        ("req/s", [here.rate / there.rate for here, there in turns]),
        ("p99", [here.p99_ms / there.p99_ms for here, there in turns]),
        ("CPU", [here.cpu_us / there.cpu_us for here, there in turns]),
    ):
        # Whoever comes first is faster by a tenth: of each round, both orders count as much.
        ratios = [sqrt(first * second) for first, second in zip(found[::2], found[1::2], strict=True)]
        every = " ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{title} here to there: median {median(ratios):.3f} ({every})")


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("checkout", type=Path, help="the folder of the other checkout")
    ask.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--seconds", type=int, default=5, help="length of each turn (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=5, help="rounds of two turns of each gateway (default: %(default)s)")
    ask.add_argument("--connections", type=int, default=64, help="of wrk (default: %(default)s)")
    ask.add_argument("--workers", type=int, default=1, help="processes of each gateway; PostgreSQL only")
    ask.add_argument("--event-ids", action="store_true", help="give each click an event_id of its own")
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
