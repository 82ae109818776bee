"""Compare clicks while somebody asks one breakdown after the other with clicks while nobody does.

One gateway on a long history of one program; the two take turns. The breakdown has two conditions, three dimensions and
visitors.
"""

import argparse
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import httpx

from tests.benchmarks import databases, generator, seeds
from tests.benchmarks.generator import add_size, size_of
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.servers import FOLDER, HOST, Server, gateway
from tests.benchmarks.wrk_load import Load, Run, loaded

PATH = "/api/v1/track/click"
TOKEN = "asking"
WARM_UP_SECONDS = 3
# A gateway that starts on a new history makes its segments first, and refuses questions until then.
PREPARING_SECONDS = 3600
# Until after the clicks that are sent now.
START, END = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (seeds.START, seeds.START + timedelta(days=3650)))
QUESTION = f"""{{
  clickReport(from: "{START}", to: "{END}", filter: {{where: [
      {{dimension: COUNTRY, in: ["DE", "US"]}}, {{dimension: DEVICE_TYPE, in: ["mobile"]}}]}}) {{
    breakdown(by: [UTM_CAMPAIGN, LANDING_PAGE, BROWSER]) {{
      totalCount nodes {{ clicks people bots visitors customers keys {{ value }} }}
    }}
  }}
}}"""


def main() -> None:
    """Run the comparison that the command line asks for, and print it."""
    options = _options()
    options.customers = options.customers or options.events * 3 // 10
    with TemporaryDirectory(prefix="clickgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        url = options.filled
        if not url:
            fresh = stack.enter_context(databases.fresh_databases(options.database, folder, options.postgresql_url))
            url = fresh("asking")
            generator.prepare(url, size_of(options))
        made = gateway(url, folder / "log", geoip=options.geoip)
        server = stack.enter_context(
            replace(made, environment={**made.environment, "CLICKGATE_ADMIN_TOKEN": TOKEN}, port=made.port)
        )
        _print(*_rounds(server, options))


def _rounds(server: Server, options: argparse.Namespace) -> tuple[Sequence[tuple[Run, Run]], Sequence[float]]:
    """Return each round's turns, without and with questions, and how long each question took, in seconds."""
    load = Load(PATH, FOLDER / "click.lua")
    _ask_until_answered(server)
    loaded(server, load, WARM_UP_SECONDS)
    rounds: list[tuple[Run, Run]] = []
    took: list[float] = []
    for number in range(options.rounds):
        turns = {}
        for is_asked in (False, True) if number % 2 == 0 else (True, False):
            with _asked(server, took) if is_asked else ExitStack():
                turns[is_asked] = loaded(server, load, options.seconds)
        rounds.append((turns[False], turns[True]))
    if any(turn.not_2xx for both in rounds for turn in both):
        raise Wrong("clicks were refused")
    return rounds, took


@contextmanager
def _asked(server: Server, took: list[float]) -> Iterator[None]:
    """Ask one question after the other, and note how long each took."""
    done = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=60) as client:
            while not done.is_set():
                started = perf_counter()
                _ask(client, server)
                took.append(perf_counter() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _ask(client: httpx.Client, server: Server) -> bool:
    """Return whether the question was answered, rather than refused because events are yet to be prepared. Raises
    `Wrong` for another error."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = client.post(f"http://{HOST}:{server.port}/graphql", json={"query": QUESTION}, headers=headers).json()
    errors = answer.get("errors", [])
    if any(error["extensions"]["code"] != "TOO_COMPLEX" for error in errors):
        raise Wrong(f"the question was refused: {errors}")
    return not errors


def _ask_until_answered(server: Server) -> None:
    deadline = perf_counter() + PREPARING_SECONDS
    with httpx.Client(timeout=60) as client:
        while not _ask(client, server):
            if perf_counter() > deadline:
                raise Wrong("the gateway does not answer the question")
            sleep(1)


def _print(rounds: Sequence[tuple[Run, Run]], took: Sequence[float]) -> None:
    for at, label in enumerate(("nobody asks", "questions")):
        runs = [turns[at] for turns in rounds]
        rate, p50, p99 = (median(column) for column in zip(*((r.rate, r.p50_ms, r.p99_ms) for r in runs), strict=True))
        print(f"{label:12} {rate:8.0f} clicks a second, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    for title, ratios in (
        ("rate", [asked.rate / quiet.rate for quiet, asked in rounds]),
        ("p99", [asked.p99_ms / quiet.p99_ms for quiet, asked in rounds]),
    ):
        print(f"{title} with questions to that without: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"{len(took)} questions, {median(took) * 1e3:.0f} ms each, at most {max(took) * 1e3:.0f}")


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    ask.add_argument("--postgresql-url", help="a server to make databases on, instead of one of our own")
    ask.add_argument("--filled", help="a database that the generator filled before")
    ask.add_argument("--geoip", default="", help="city database files, separated by commas")
    ask.add_argument("--seconds", type=int, default=5, help="length of each turn (default: %(default)s)")
    ask.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    add_size(ask)
    ask.set_defaults(programs=1, partners=1000, customers=0)  # 0: three in ten clicks make one
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
