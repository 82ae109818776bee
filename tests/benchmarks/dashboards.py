"""Compare the gateway's GraphQL with PostGraphile in five operations of a dashboard, on the same million clicks.

The two take turns on one PostgreSQL server, each on its own database, and the result is the ratio within each round.
The gateway is measured twice: with an administrator's token, and with the partners' own tokens.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from db.engine.store import Store
from db.lookups import tokens
from tests.benchmarks import databases, generator, operations, peer
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.operations import OPERATIONS, PATH, Ask, Operation
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.seeds import Size
from tests.benchmarks.servers import FOLDER, Server, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded

WARM_UP_SECONDS = 1
HEADER = (
    f"{'':18} {'ours/s':>7} {'peer/s':>7} {'ratio':>6} {'p50 ms':>13} {'p99 ms':>13} {'p99 ratio':>9} "
    f"{'CPU us':>11} {'bytes':>13} {'rows':>9}"
)


@dataclass(frozen=True, slots=True)
class Side:
    """One side's results for an operation: the medians, and the bytes and rows of its first response."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of an operation. Ratios are medians of the rounds' ratios, ours to the peer's."""

    ours: Side
    peer: Side
    rate_ratio: float
    p99_ratio: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server, and the requests for one operation."""

    server: Server
    asks: Sequence[Ask]


@dataclass(frozen=True, slots=True)
class Bench:
    """The two servers, their data, and the gateway's tokens."""

    ours: Server
    peer: Server
    size: Size
    viewers: Mapping[str, Callable[[int], str]]
    folder: Path

    def candidates(self, operation: Operation, viewer: str) -> tuple[Candidate, Candidate]:
        """Return both sides of an operation, the gateway's first."""
        asks = operations.ours(operation, self.size, self.ours, self.viewers[viewer])
        return Candidate(self.ours, asks), Candidate(self.peer, operations.theirs(operation, self.size))


def main() -> None:
    """Run the comparison that the command line asks for, and print it."""
    options = _options()
    size = size_of(options)
    wanted = [operation for number, operation in enumerate(OPERATIONS, 1) if number in options.operations]
    measured: dict[str, dict[str, Figures]] = {}
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        bench = _bench(Path(name), size, options, stack)
        for viewer in options.viewers:
            print(f"\nasked by {viewer}; ours and the peer's\n{HEADER}")
            measured[viewer] = {}
            for operation in wanted:
                measured[viewer][operation.name] = figures = _measure(bench, operation, viewer, options)
                _print(operation, figures)
        bench.ours.stop()
        if tracebacks := bench.ours.tracebacks():
            raise Wrong(f"the gateway logged {len(tracebacks)} tracebacks, the first: {tracebacks[0]}")
    if options.json:
        figures_of = {viewer: {name: asdict(row) for name, row in rows.items()} for viewer, rows in measured.items()}
        Path(options.json).write_text(json.dumps(figures_of, indent=1) + "\n")


def _bench(folder: Path, size: Size, options: argparse.Namespace, stack: ExitStack) -> Bench:
    """Fill databases unless some are given, and start both servers."""
    ours_url, peer_url = options.filled or ("", "")
    if not options.filled:
        folder.chmod(0o755)  # the server runs as a separate user
        fresh = stack.enter_context(databases.postgresql(options.postgresql_url, folder))
        ours_url, peer_url = fresh("ours"), fresh("peer")
        generator.prepare(ours_url, size)
        peer.fill(peer_url, size)
    admin, by_partner = asyncio.run(_tokens(ours_url, size))
    ours = stack.enter_context(gateway(ours_url, folder / "ours.log"))
    theirs = stack.enter_context(peer.postgraphile(peer_url, folder / "peer.log"))
    viewers = {"an administrator": lambda partner: admin, "partners": lambda partner: by_partner[partner]}
    return Bench(ours, theirs, size, viewers, folder)


async def _tokens(url: str, size: Size) -> tuple[str, dict[int, str]]:
    """Issue a token for an administrator, and one for each partner."""
    store = Store(url)
    try:
        async with store.write() as connection:
            admin, _ = await tokens.issue(connection, tokens.NewToken("admin"))
            by_partner = {}
            for partner in range(1, size.partners + 1):
                new = tokens.NewToken("partner", partner_id=partner)
                by_partner[partner], _ = await tokens.issue(connection, new)
            return admin, by_partner
    finally:
        await store.close()


def _measure(bench: Bench, operation: Operation, viewer: str, options: argparse.Namespace) -> Figures:
    sides = bench.candidates(operation, viewer)
    loads = [
        (side.server, Load(PATH, FOLDER / "bodies.lua", [str(_written(bench.folder, side))], options.connections))
        for side in sides
    ]
    for server, load in loads:
        loaded(server, load, WARM_UP_SECONDS)
    runs: tuple[list[Run], list[Run]] = ([], [])
    for number in range(options.rounds):
        for at in (0, 1) if number % 2 == 0 else (1, 0):
            runs[at].append(loaded(*loads[at], options.seconds))
            if runs[at][-1].not_2xx:
                raise Wrong(f"{operation.name}: {runs[at][-1].not_2xx} answers were errors")
    return Figures(
        ours=_side(sides[0], runs[0]),
        peer=_side(sides[1], runs[1]),
        rate_ratio=median(one.rate / max(other.rate, 1) for one, other in zip(*runs, strict=True)),
        p99_ratio=median(one.p99_ms / other.p99_ms for one, other in zip(*runs, strict=True)),
    )


def _written(folder: Path, side: Candidate) -> Path:
    """Write the requests to a file in the load script's format."""
    path = folder / f"bodies-{side.server.port}.txt"
    path.write_text("".join(f"{ask.token}\t{ask.body}\n" for ask in side.asks))
    return path


def _side(side: Candidate, runs: Sequence[Run]) -> Side:
    def middle(value: Callable[[Run], float]) -> float:
        return median(value(run) for run in runs)

    raw = operations.raw_answer(side.server, side.asks[0])
    return Side(
        rate=middle(lambda run: run.rate),
        p50_ms=middle(lambda run: run.p50_ms),
        p99_ms=middle(lambda run: run.p99_ms),
        cpu_us=middle(lambda run: run.cpu_us),
        bytes=len(raw),
        rows=operations.rows_in(json.loads(raw)),
    )


def _print(operation: Operation, figures: Figures) -> None:
    ours, peer = figures.ours, figures.peer
    print(
        f"{operation.name:18} {ours.rate:7.0f} {peer.rate:7.0f} {figures.rate_ratio:6.3f} "
        f"{ours.p50_ms:6.1f} {peer.p50_ms:6.1f} {ours.p99_ms:6.1f} {peer.p99_ms:6.1f} {figures.p99_ratio:9.2f} "
        f"{ours.cpu_us:5.0f} {peer.cpu_us:5.0f} {ours.bytes:6} {peer.bytes:6} {ours.rows:4} {peer.rows:4}",
        flush=True,
    )


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--filled", nargs=2, metavar="URL", help="databases filled already, the gateway's and the peer's")
    ask.add_argument("--seconds", type=int, default=3, help="length of each turn (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=3, help="turns of each side, at least 3 (default: %(default)s)")
    ask.add_argument("--connections", type=int, default=16, help="of wrk (default: %(default)s)")
    ask.add_argument("--operations", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="by number (default: all)")
    viewers = ["an administrator", "partners"]
    ask.add_argument("--viewers", nargs="+", choices=viewers, default=viewers, help="who asks (default: both in turn)")
    ask.add_argument("--json", help="a file to keep the figures in")
    add_size(ask)
    options = ask.parse_args()
    if options.rounds < 3:
        ask.error("fewer than three rounds say nothing on a shared machine")
    return options


if __name__ == "__main__":
    run(main)
