"""Measure exports of a long history of clicks: rows per second, the gateway's memory, and clicks meanwhile.

The exports of each format take turns with pauses in which clicks are measured without an export. Every export is held
against the number of clicks in the database.
"""

import argparse
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.benchmarks import databases, generator
from tests.benchmarks.background_work import await_settled
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.ingest import PATH
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import HOST, Server, gateway

TURNS = {"csv": ("csv", "identity"), "csv, gzip": ("csv", "gzip"), "ndjson": ("ndjson", "identity")}
PART_BYTES = 1 << 18
# Clicks come one after the other, so that they measure how long the gateway keeps one waiting.
CLICK_PAUSE_SECONDS = 0.005
QUIET_SECONDS = 5
MEMORY_SECONDS = 0.2
CODE = "CODE0001"


class Exported(NamedTuple):
    """An export: its lines, the bytes that were sent, and the seconds and the gateway's processor time it took."""

    lines: int
    size: int
    seconds: float
    cpu_seconds: float


def main() -> None:
    """Fill a database unless one is given, and export its clicks in every format."""
    options = _options()
    size = size_of(options)
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # the PostgreSQL server runs as a separate user
        url = options.filled
        if url is None:
            fresh = stack.enter_context(databases.fresh_databases(options.database, folder, options.postgresql_url))
            url = fresh("exports")
            generator.prepare(url, size)
        token = json.loads(databases.clickgate(url, "token", "issue", "--role", "admin"))["token"]
        server = stack.enter_context(gateway(url, folder / "gateway.log", geoip=options.geoip))
        _export(server, token, "links.csv", "identity")  # prepares what the first export would wait for
        await_settled(server)
        print(f"{'':10} {'rows/s':>8} {'seconds':>8} {'CPU us':>7} {'MB':>6} {'+MiB':>6}  clicks p50, p99, most (ms)")
        for _ in range(options.rounds):
            _round(server, token, size.events, options.turns)


def _round(server: Server, token: str, events: int, turns: Sequence[str]) -> None:
    with _clicks(server) as quiet:
        time.sleep(QUIET_SECONDS)
    print(f"{'no export':10} {'':39}  {_percentiles(quiet)}", flush=True)
    for turn in turns:
        format, coding = TURNS[turn]
        with _memory(server) as memory, _clicks(server) as delays:
            found = _export(server, token, f"clicks.{format}", coding)
        if found.lines < events:
            raise Wrong(f"{found.lines} lines for {events} clicks")
        rate, cpu = found.lines / found.seconds, found.cpu_seconds / found.lines * 1_000_000
        growth = max(memory) - memory[0]
        figures = f"{rate:8.0f} {found.seconds:8.1f} {cpu:7.1f} {found.size / 1e6:6.0f} {growth:6.1f}"
        print(f"{turn:10} {figures}  {_percentiles(delays)}", flush=True)


def _export(server: Server, token: str, file: str, coding: str) -> Exported:
    """Download a file; return what it took."""
    began, busy = time.perf_counter(), server.cpu_seconds()
    connection = HTTPConnection(HOST, server.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": coding}
    connection.request("GET", f"/api/v1/export/{file}", headers=headers)
    response = connection.getresponse()
    if response.status != 200:
        raise Wrong(f"{file}: {response.status} {response.read()!r}")
    lines = size = 0
    gzip = zlib.decompressobj(31)
    while part := response.read(PART_BYTES):
        size += len(part)
        lines += (gzip.decompress(part) if coding == "gzip" else part).count(b"\n")
    connection.close()
    return Exported(lines, size, time.perf_counter() - began, server.cpu_seconds() - busy)


@contextmanager
def _clicks(server: Server) -> Iterator[list[float]]:
    """Send clicks one after the other during the block; yield the list of the seconds that each took."""
    delays: list[float] = []
    connection = HTTPConnection(HOST, server.port, timeout=60)
    with _repeated(lambda: delays.append(_click(connection)), CLICK_PAUSE_SECONDS):
        yield delays
    connection.close()


def _click(connection: HTTPConnection) -> float:
    body = json.dumps({"affiliate_url": f"https://shop.example.com/?aff={CODE}"})
    began = time.perf_counter()
    connection.request("POST", PATH, body)
    answer = connection.getresponse().read()
    if b'"click_id"' not in answer:
        raise Wrong(f"a click was answered with {answer!r}")
    return time.perf_counter() - began


@contextmanager
def _memory(server: Server) -> Iterator[list[float]]:
    """Yield the list of the gateway's memory in MiB during the block, beginning now."""
    memory = [server.memory().own]
    with _repeated(lambda: memory.append(server.memory().own), MEMORY_SECONDS):
        yield memory


@contextmanager
def _repeated(step: Callable[[], object], pause_seconds: float) -> Iterator[None]:
    """Repeat a step in a thread during the block. An error in it ends the block with `Wrong`."""
    ending, errors = threading.Event(), list[Exception]()

    def repeat() -> None:
        try:
            while not ending.wait(pause_seconds):
                step()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
    if errors:
        raise Wrong(str(errors[0]))


def _percentiles(seconds: list[float]) -> str:
    last = quantiles(seconds, n=100)[-1]
    return f"{median(seconds) * 1000:.1f}, {last * 1000:.1f}, {max(seconds) * 1000:.1f} of {len(seconds)}"


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    ask.add_argument("--postgresql-url", help="a server to make a database on, instead of one of our own")
    ask.add_argument("--filled", metavar="URL", help="a database that has a history already")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--rounds", type=int, default=3, help="times that each is exported (default: %(default)s)")
    ask.add_argument("--turns", nargs="+", choices=TURNS, default=list(TURNS), help="(default: all)")
    add_size(ask)
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
