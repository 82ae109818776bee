"""Gateways in processes of their own, for tests that kill them."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from gateway.configuration.settings import PREFIX
from tests.support.fork_server import Forked, heed_signals, run, start

COMMAND = Path(sys.executable).parent / "clickgate"
START_SECONDS = 20
COMMAND_SECONDS = 60

Process = subprocess.Popen[bytes] | Forked


def environment(database_url: str, **settings: str) -> dict[str, str]:
    named = {PREFIX + name.upper(): value for name, value in settings.items()}
    # Which cluster tests may use is no setting of a gateway.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX + "TEST_")}
    return {**inherited, PREFIX + "DATABASE_URL": database_url, **named}


def clickgate(database_url: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to completion."""
    return run(arguments, environment(database_url, **settings), COMMAND_SECONDS)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def serving(
    database_url: str,
    *arguments: str,
    command: str = "serve",
    log: Path | None = None,
    port: int | None = None,
    **settings: str,
) -> AsyncIterator[tuple[Process, str]]:
    """Run `clickgate serve` or another serving command; yield the process and its base URL once it is ready, and stop
    it at the end."""
    url = f"http://127.0.0.1:{(port := port or free_port())}"
    with open(log or os.devnull, "ab") as output:
        process = _start((command, "--port", str(port), *arguments), environment(database_url, **settings), output)
    try:
        async with httpx.AsyncClient(verify=False) as http:
            await ready(http, url, process)
        yield process, url
    finally:
        await stop(process)


def _start(arguments: Sequence[str], environ: Mapping[str, str], output: BinaryIO) -> Process:
    # A gateway starts its workers as it was started itself, and they would not find themselves in the fork server.
    if "--workers" not in arguments:
        return start(arguments, environ, output.fileno(), output.fileno(), is_leader=True)
    return subprocess.Popen(
        [COMMAND, *arguments],
        env=environ,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=heed_signals,
    )


async def ready(http: httpx.AsyncClient, url: str, process: Process) -> None:
    """Wait until the gateway in a process is ready."""
    async with asyncio.timeout(START_SECONDS):
        while not await _is_ready(http, url):
            if process.poll() is not None:
                raise RuntimeError(f"clickgate serve exited with {process.returncode}")
            await asyncio.sleep(0.05)


async def _is_ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def stop(process: Process) -> int:
    """Stop a gateway like a service manager does; return its exit code."""
    if process.poll() is None:
        process.terminate()
    return await asyncio.to_thread(process.wait, 30)


async def kill(process: Process) -> None:
    """Kill a gateway and its workers without a graceful shutdown."""
    os.killpg(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process.wait, 30)
