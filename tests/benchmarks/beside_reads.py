"""Compare a dashboard's operations and reports of this tree with those of another checkout, on the same generated
history.

The other checkout generates the history, and this tree's gateway gets an upgraded copy; before anything is measured, it
fills in older clicks and makes segments of them. Both gateways run at the same time and take turns under load (A B,
B A, …). The result is the ratio within each round. The other checkout needs its own `.venv` (run
`make .venv/.installed-dev` there).
"""

import argparse
import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import asyncpg
from sqlalchemy import URL, make_url

from db.engine.store import Store
from db.lookups import tokens
from graph.query.global_ids import encode_id
from tests.benchmarks import databases, operations, seeds
from tests.benchmarks.background_work import await_settled
from tests.benchmarks.databases import Kind
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.operations import OPERATIONS, PATH, Ask
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.seeds import Size
from tests.benchmarks.servers import FOLDER, SCRIPTS, Server, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded

WARM_UP_SECONDS = 1
THERE, HERE = "there", "here"
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata")
RANKINGS = ("PAGE", "COUNTRY", "LINK")
# Of each kind so many are asked about in turn.
SUBJECTS = 20


@dataclass(frozen=True, slots=True)
class Question:
    """A name, and the requests to a gateway."""

    name: str
    asks: Callable[[Server], Sequence[Ask]]


def main() -> None:
    """Run the comparison that the command line asks for, and print it."""
    options = _options()
    scripts = {THERE: options.checkout.resolve() / ".venv" / "bin", HERE: SCRIPTS}
    size = size_of(options)
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as a separate user
        fresh = stack.enter_context(databases.fresh_databases(options.database, folder, options.postgresql_url))
        urls = {THERE: fresh(THERE)}
        generate = [scripts[THERE] / "python", "-m", "tests.benchmarks.generator", urls[THERE]]
        tree = scripts[THERE].parents[1]
        subprocess.run([*generate, *_size_options(size)], cwd=tree, check=True, stdout=subprocess.DEVNULL)
        viewers = asyncio.run(_issued(urls[THERE], size))
        urls[HERE] = _copied(options.database, urls[THERE], fresh)
        databases.clickgate(urls[HERE], "db", "upgrade")
        servers = {
            name: stack.enter_context(gateway(urls[name], folder / f"{name}.log", scripts=bin_folder))
            for name, bin_folder in scripts.items()
        }
        await_settled(servers[HERE])
        print(f"{options.database}, {size.events} clicks\n{'':44} {'there/s':>8} {'here/s':>8} {'ratio':>6} {'CPU':>6}")
        chosen = [each for each in _questions(size, viewers) if re.search(options.questions, each.name)]
        ratios = [_measured(question, servers, folder, options) for question in chosen]
        print(f"median of all ratios {median(ratios):.3f}, the lowest {min(ratios):.3f}")


def _questions(size: Size, viewers: tuple[str, Sequence[str]]) -> Iterator[Question]:
    admin, by_partner = viewers
    for viewer, token_of in (
        ("an administrator", lambda partner: admin),
        ("partners", lambda partner: by_partner[partner - 1]),
    ):
        for operation in OPERATIONS:

            def asks(
                server: Server, operation: operations.Operation = operation, token_of: Callable[[int], str] = token_of
            ) -> Sequence[Ask]:
                return operations.ours(operation, size, server, token_of)

            yield Question(f"{operation.name}, {viewer}", asks)
    end = seeds.START + timedelta(days=size.days)
    span = f'from: "{seeds.START.isoformat()}", to: "{end.isoformat()}"'
    parts = {
        "totals": ("", "clicks people customers"),
        **{
            f"days, {zone}": (f', timezone: "{zone}"', "series(interval: DAY) { start clicks people customers }")
            for zone in ZONES
        },
        **{f"top {by.lower()}": ("", f"top(by: {by}) {{ value clicks people customers }}") for by in RANKINGS},
    }
    subjects = {
        "partnerIds": ("Partner", size.partners),
        "programIds": ("Program", size.programs),
        "referralLinkIds": ("ReferralLink", size.links),
    }
    for (argument, (kind, count)), (name, (zone, fields)) in product(subjects.items(), parts.items()):
        chosen = range(1, count + 1, max(1, count // SUBJECTS))[:SUBJECTS]
        bodies = [
            f'{{ clickReport(filter: {{{argument}: ["{encode_id(kind, id)}"]}}, {span}{zone}) {{ {fields} }} }}'
            for id in chosen
        ]
        asked = [Ask(admin, operations.body(body, {})) for body in bodies]
        yield Question(f"report by {argument}: {name}", lambda server, asked=asked: asked)  # type: ignore[misc]


def _measured(question: Question, servers: dict[str, Server], folder: Path, options: argparse.Namespace) -> float:
    """Print the rates of both gateways; return the median of the rounds' ratios, here to there."""
    loads: dict[str, Load] = {}
    for name, server in servers.items():
        asks = question.asks(server)
        operations.answer(server, asks[0])
        path = folder / f"bodies-{name}.txt"
        path.write_text("".join(f"{ask.token}\t{ask.body}\n" for ask in asks))
        loads[name] = Load(PATH, FOLDER / "bodies.lua", [str(path)], options.connections)
        loaded(server, loads[name], WARM_UP_SECONDS)
    runs: dict[str, list[Run]] = {name: [] for name in servers}
    for number in range(options.rounds):
        for name in servers if number % 2 == 0 else reversed(servers):
            runs[name].append(loaded(servers[name], loads[name], options.seconds))
            if runs[name][-1].not_2xx:
                raise Wrong(f"{question.name}: {runs[name][-1].not_2xx} answers were errors")
    rates = {name: median(run.rate for run in rows) for name, rows in runs.items()}
    rounds = list(zip(runs[HERE], runs[THERE], strict=True))
    ratio = median(here.rate / there.rate for here, there in rounds)
    cpu = median(here.cpu_us / there.cpu_us for here, there in rounds)
    print(f"{question.name:44} {rates[THERE]:8.0f} {rates[HERE]:8.0f} {ratio:6.3f} {cpu:6.3f}", flush=True)
    return ratio


async def _issued(url: str, size: Size) -> tuple[str, Sequence[str]]:
    """Issue a token for an administrator, and one for each partner, in their order."""
    store = Store(url)
    try:
        async with store.write() as connection:
            admin, _ = await tokens.issue(connection, tokens.NewToken("admin"))
            partners = [
                (await tokens.issue(connection, tokens.NewToken("partner", partner_id=partner)))[0]
                for partner in range(1, size.partners + 1)
            ]
            return admin, partners
    finally:
        await store.close()


def _copied(kind: Kind, url: str, fresh: Callable[[str], str]) -> str:
    """Return the URL of a copy of a database that nobody uses."""
    copy = fresh(HERE)
    source, target = make_url(url), make_url(copy)
    if kind == "sqlite":
        shutil.copyfile(str(source.database), str(target.database))
    else:
        asyncio.run(_copy_database(source.set(database="postgres").render_as_string(False), source, target))
    return copy


async def _copy_database(server: str, source: URL, target: URL) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'DROP DATABASE "{target.database}"')
        await connection.execute(f'CREATE DATABASE "{target.database}" TEMPLATE "{source.database}"')
    finally:
        await connection.close()


def _size_options(size: Size) -> Sequence[str]:
    names = Size.__dataclass_fields__
    return [part for name in names for part in (f"--{name.replace('_', '-')}", str(getattr(size, name)))]


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("checkout", type=Path, help="the folder of the other checkout")
    ask.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--seconds", type=int, default=1, help="length of each turn (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=5, help="turns of each gateway (default: %(default)s)")
    ask.add_argument("--connections", type=int, default=16, help="of wrk (default: %(default)s)")
    ask.add_argument("--questions", default="", help="a regular expression: only those whose names it matches")
    add_size(ask)
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
