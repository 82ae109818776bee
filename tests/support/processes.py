"""Gateways in processes of their own, started like an operator starts them, for tests that kill them."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from gateway.settings import PREFIX
from tests.support.fork_server import run

COMMAND = Path(sys.executable).parent / "clickgate"
START_SECONDS = 20
COMMAND_SECONDS = 60


def environment(database_url: str, **settings: str) -> dict[str, str]:
    named = {PREFIX + name.upper(): value for name, value in settings.items()}
    # Which cluster tests may use is no setting of a gateway.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX + "TEST_")}
    return {**inherited, PREFIX + "DATABASE_URL": database_url, **named}


def clickgate(database_url: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to completion."""
    return run(arguments, environment(database_url, **settings), COMMAND_SECONDS)


def heed_signals() -> None:
    """Restore the signal handling that `nohup`, or a shell running the tests in the background, disables in all
    processes."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


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
) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `clickgate serve` or another serving command; yield the process and its base URL once it is ready, and stop
    it at the end."""
    url = f"http://127.0.0.1:{(port := port or free_port())}"
    with open(log or os.devnull, "ab") as output:
        process = subprocess.Popen(
            [COMMAND, command, "--port", str(port), *arguments],
            env=environment(database_url, **settings),
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=heed_signals,
        )
    try:
        async with httpx.AsyncClient(verify=False) as http:
            await ready(http, url, process)
        yield process, url
    finally:
        await stop(process)


async def ready(http: httpx.AsyncClient, url: str, process: subprocess.Popen[bytes]) -> None:
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


async def stop(process: subprocess.Popen[bytes]) -> int:
    """Stop a gateway like a service manager does; return its exit code."""
    if process.poll() is None:
        process.terminate()
    return await asyncio.to_thread(process.wait, 30)


async def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a gateway and its workers without a graceful shutdown."""
    os.killpg(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process.wait, 30)
