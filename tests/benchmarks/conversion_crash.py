"""Kill the gateway, or the database under it, at random times under mixed clicks, leads, sales and refunds.

Each request is retried until it is answered, and some sales are sent twice at once. After each round every answer is
compared with what is stored: a lead or a sale that was answered is there under the ids of its answer, with its
commission; as much of a sale is refunded as was answered, and its commission lost as much as the answers said. The
audit must agree.
"""

import argparse
import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import uvloop

from tests.benchmarks import databases
from tests.benchmarks.conversion_senders import SoldBook, converting
from tests.benchmarks.crash import (
    AFTER_SECONDS,
    BLOW_SECONDS,
    FAULTS_SHOWN,
    HEAL_SECONDS,
    ON_POSTGRESQL,
    ON_SQLITE,
    SLOWEST_SECONDS,
    Scene,
    Trial,
    watched_gateway,
)
from tests.benchmarks.merchants import prepare_merchant
from tests.benchmarks.postgres_server import Cluster
from tests.benchmarks.script_result import Wrong, run


def main() -> None:
    """Run the rounds that the command line asks for; print a line for each, and fail if an answer was not kept."""
    options = _options()
    with TemporaryDirectory(prefix="clickgate-crash-") as folder:
        if options.database in ("sqlite", "both"):
            with databases.sqlite(Path(folder)) as fresh:
                _try_all(ON_SQLITE, fresh("crash"), None, Path(folder), options)
        if options.database in ("postgresql", "both"):
            cluster = Cluster(Path(folder) / "postgresql")
            try:
                _try_all(ON_POSTGRESQL, databases.new_database(cluster.url, "crash"), cluster, Path(folder), options)
            finally:
                cluster.close()


def _try_all(
    trials: Mapping[str, Trial], url: str, cluster: Cluster | None, folder: Path, options: argparse.Namespace
) -> None:
    """Cycle through the kinds of rounds on one database, with one record of all answers."""
    token = prepare_merchant(url, databases.prepare(url), customers=0).token
    book, random = SoldBook(), Random(options.seed)
    print(f"{'round':>5}  {'what':28} {'leads':>7} {'sales':>7} {'returns':>8} {'503':>5} {'back s':>7} {'slowest':>8}")
    for number in range(options.rounds):
        name = list(trials)[number % len(trials)]
        trial = trials[name]
        with watched_gateway(url, folder, trial.workers) as server:
            before, book.slowest_seconds = book.refused, 0.0
            back = uvloop.run(_round(trial, Scene(server, random, cluster), token, book, options.senders))
            server.stop()
        refused = book.refused - before
        print(
            f"{number + 1:5}  {name:28} {len(book.leads):7} {len(book.sales):7} {len(book.refunded):8} {refused:5} "
            f"{back:7.2f} {book.slowest_seconds:8.2f}",
            flush=True,
        )
        faults = [*asyncio.run(book.wrong(url)), *_audited(url, book)]
        faults += [f"{count} times {what}" for what, count in book.problems.items()]
        if trial.is_outage and not refused:
            faults.append("the database was away, but nobody was answered with 503")
        if book.slowest_seconds > SLOWEST_SECONDS:
            faults.append(f"an answer took {book.slowest_seconds:.1f} seconds")
        if faults:
            raise Wrong("\n".join(faults[:FAULTS_SHOWN]))


def _audited(url: str, book: SoldBook) -> list[str]:
    """Return what the audit finds. Every request was retried until it was answered, so nothing else is stored."""
    found = json.loads(databases.clickgate(url, "audit"))
    faults = [json.dumps(found["differences"])] if found["differences"] else []
    if (found["leads"], found["sales"]) != (len(book.leads), len(book.sales)):
        faults.append(f"{len(book.leads)} leads and {len(book.sales)} sales were answered, the audit found {found}")
    return faults


async def _round(trial: Trial, scene: Scene, token: str, book: SoldBook, senders: int) -> float:
    """Cause a fault under load; return how many seconds later something was recorded again."""
    async with converting(scene.server.port, token, scene.random, book, senders):
        await scene.pause(BLOW_SECONDS)
        await trial.blow(scene)
        back = await book.answers_again(HEAL_SECONDS)
        await asyncio.sleep(AFTER_SECONDS)
    return back


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    ask.add_argument("--rounds", type=int, default=20, help="on each database (default: %(default)s)")
    ask.add_argument("--senders", type=int, default=32, help="visits under way at a time (default: %(default)s)")
    ask.add_argument("--seed", type=int, default=1, help="of the moments and the visits (default: %(default)s)")
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
