"""Measure a gateway's time from start to its first acknowledged click, and its memory then, by the number of links."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import text

from db.engine.store import Store
from tests.benchmarks import databases
from tests.benchmarks.ingest import PATH
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import HOST, Memory, Server, gateway

CLICK = json.dumps({"affiliate_url": f"https://yoursite.com/?aff={databases.CODES[0]}"})


def main() -> None:
    """Start a gateway several times for each number of links; print the medians."""
    options = _options()
    print(f"{'links':>10} {'seconds':>8} {'RSS MiB':>8} {'own MiB':>8}")
    with TemporaryDirectory(prefix="clickgate-bench-") as name:
        for links in options.links:
            url = f"sqlite:///{name}/{links}.db"
            databases.prepare(url)
            asyncio.run(_add_links(url, links - len(databases.CODES) - 1))
            server = gateway(url, Path(name) / f"{links}.log", geoip=options.geoip)
            starts = [_start(server) for _ in range(options.rounds)]
            seconds = median(seconds for seconds, _ in starts)
            resident, own = (median(figures) for figures in zip(*_memories(starts), strict=True))
            print(f"{links:10} {seconds:8.2f} {resident:8.0f} {own:8.0f}", flush=True)


def _start(server: Server) -> tuple[float, Memory]:
    began = perf_counter()
    with server:
        connection = HTTPConnection(HOST, server.port, timeout=60)
        connection.request("POST", PATH, CLICK)
        answer = connection.getresponse()
        seconds = perf_counter() - began
        if answer.status != 200:
            raise Wrong(f"the first click was answered with {answer.status}: {answer.read()!r}")
        connection.close()
        return seconds, server.memory()


def _memories(starts: Sequence[tuple[float, Memory]]) -> list[tuple[float, float]]:
    return [(memory.resident, memory.own) for _, memory in starts]


async def _add_links(url: str, count: int) -> None:
    store = Store(url)
    try:
        async with store.write() as connection:
            await connection.execute(
                text("""INSERT INTO referral_links (code, destination_url, program_id, partner_id)
                    WITH RECURSIVE counted AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM counted WHERE n < :count)
                    SELECT 'LINK' || n, 'https://yoursite.com/products/' || n, program_id, partner_id
                    FROM counted CROSS JOIN (SELECT program_id, partner_id FROM partner_programs LIMIT 1)"""),
                {"count": count},
            )
    finally:
        await store.close()


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--links", type=int, nargs="+", default=[1000, 1_000_000], help="(default: %(default)s)")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--rounds", type=int, default=5, help="starts on each (default: %(default)s)")
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
