"""Loading a server with wrk, and parsing the results, in the same way for all benchmarks."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.servers import HOST, Server

# Time for wrk to abandon outstanding requests at the end.
GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Run:
    """One candidate's turn: wrk's results, and the server's CPU time per response."""

    answers: int
    rate: float
    p50_ms: float
    p99_ms: float
    not_2xx: int
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Load:
    """The requests, as a wrk script that ends like `click.lua`, and the number of connections."""

    path: str
    script: Path
    arguments: Sequence[str] = ()
    connections: int = 64


def loaded(server: Server, load: Load, seconds: int) -> Run:
    """Load a server with wrk for a number of seconds."""
    url = f"http://{HOST}:{server.port}{load.path}"
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "-s", str(load.script), url]
    before = server.cpu_seconds()
    ran = subprocess.run(
        [*command, *(["--", *load.arguments] if load.arguments else [])],
        capture_output=True,
        text=True,
        timeout=seconds + GRACE_SECONDS,
        check=True,
    )
    used = server.cpu_seconds() - before
    found = json.loads(next(line for line in ran.stdout.splitlines() if line.startswith("figures ")).split(" ", 1)[1])
    answers = found["answers"]
    if found["broken"]:
        print(f"{found['broken']} connections broke or timed out: {' '.join(server.command)}", file=sys.stderr)
    return Run(
        answers=answers,
        rate=answers / found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        not_2xx=found["not_2xx"],
        cpu_us=used / max(answers, 1) * 1e6,
    )
