"""User agents to judge: samples of our own in `tests/support/user_agents`, the examples of the list of crawlers, and
two packages from npm that count what people's browsers send, pinned by `tests/support/npm/agents`."""

import json
from pathlib import Path

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

SAMPLES = Path(__file__).parent / "user_agents"


def sample(name: str) -> list[str]:
    """Return the agents in one of our files, in which lines starting with "# " are headings."""
    lines = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


def crawlers() -> list[str]:
    """Return the examples in the crawler list."""
    return [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry.get("instances", [])]


def browsers(packages: Path) -> dict[str, float]:
    """Return the agents in both packages, as installed in `node_modules`, with their frequencies.

    The frequencies in each package add up to 1. `top-user-agents` has none, so its agents are weighted equally.
    """
    modules = packages / "node_modules"
    counted = json.loads((modules / "user-agents" / "dist" / "user-agents.json").read_text(encoding="utf-8"))
    top = json.loads((modules / "top-user-agents" / "src" / "index.json").read_text(encoding="utf-8"))
    weights: dict[str, float] = dict.fromkeys(top, 1 / len(top))
    for browser in counted:
        agent = browser["userAgent"]
        weights[agent] = weights.get(agent, 0) + browser["weight"]
    return weights
