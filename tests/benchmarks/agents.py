"""Measure how many people's browsers are taken for bots, and how many bots for people.

The samples are the npm packages `user-agents` and `top-user-agents` (run `npm ci` in a copy of
`tests/support/npm/agents` and pass that folder), the examples in the crawler list, our own samples, and any files with
one user agent per line that are passed as people's or as bots'.
"""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import perf_counter

from gateway.lookups.device import DeviceLookup
from tests.benchmarks.script_result import Wrong, run
from tests.support.agent_samples import browsers, crawlers, sample

MOST_BOTS = 1 / 1000
MOST_PEOPLE = 1 / 20


def main() -> None:
    """Classify all samples and print the results. Raises `Wrong` if too many are misclassified."""
    options = _options()
    started = perf_counter()
    lookup = DeviceLookup()
    print(f"patterns compiled in {perf_counter() - started:.2f} s")
    people = {"npm packages": browsers(options.packages), "our people": _equal(sample("people"))}
    bots = {"list of crawlers": _equal(crawlers()), "our bots": _equal(["", *sample("bots")])}
    people |= {str(file): _lines(file) for file in options.people}
    bots |= {str(file): _lines(file) for file in options.bots}
    shares = [(_misjudged(lookup, name, agents, False, options.show), MOST_BOTS) for name, agents in people.items()]
    shares += [(_misjudged(lookup, name, agents, True, options.show), MOST_PEOPLE) for name, agents in bots.items()]
    _time(lookup, list(people["npm packages"]))
    if any(share > most for share, most in shares):
        raise Wrong("more than 1 in 1,000 people or 1 in 20 bots are misjudged")


def _misjudged(lookup: DeviceLookup, name: str, agents: Mapping[str, float], bots: bool, show: bool) -> float:
    """Print and return the share of misclassified agents, by number or by weight, whichever is larger."""
    wrong = [agent for agent in agents if lookup(agent).is_bot != bots]
    share = len(wrong) / len(agents)
    weight = sum(agents[agent] for agent in wrong) / sum(agents.values())
    taken = "people" if bots else "bots"
    print(f"{name:32} {len(agents):7} {len(wrong):5} count as {taken:6} {share:8.2%} {weight:8.2%} by weight")
    if show:
        print(*(f"    {agent}" for agent in wrong), sep="\n")
    return max(share, weight)


def _time(lookup: DeviceLookup, agents: list[str]) -> None:
    started = perf_counter()
    for agent in agents:
        lookup._look_up(agent)
    fresh = (perf_counter() - started) / len(agents)
    started = perf_counter()
    for agent in agents:
        lookup(agent)
    cached = (perf_counter() - started) / len(agents)
    print(f"{fresh * 1e6:.0f} microseconds for a new agent, {cached * 1e6:.2f} for a known one")


def _equal(agents: Iterable[str]) -> dict[str, float]:
    return dict.fromkeys(agents, 1.0)


def _lines(file: Path) -> dict[str, float]:
    return _equal(line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path, help="the folder in which npm installed the packages")
    parser.add_argument("--people", type=Path, action="append", default=[], help="a file of people's agents")
    parser.add_argument("--bots", type=Path, action="append", default=[], help="a file of bots' agents")
    parser.add_argument("--show", action="store_true", help="print what is misjudged")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
