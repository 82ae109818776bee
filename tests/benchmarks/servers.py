"""Servers under load, each a separate process tree that is started as users start it, measured, and killed.

All figures cover the whole tree, so that servers with several processes are compared fairly.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import psutil

HOST = "127.0.0.1"
SCRIPTS = Path(sys.executable).parent
FOLDER = Path(__file__).parent
PACKAGE = __package__ or ""
# A cold start reads the lookup tables from disk; a server that takes this long will not start at all.
START_SECONDS = 30
# The gateway gives running requests 15 seconds.
STOP_SECONDS = 20
MIB = 1 << 20


class NeverReady(RuntimeError):
    """The server exited or did not respond before it was ready; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A process tree's memory in MiB: the total, and the part that is not mapped from files."""

    resident: float
    own: float


@dataclass(slots=True)
class Server:
    """A command that listens on `{port}`, its environment, and the file for its output."""

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, always on the same port; return once it responds. Raises `NeverReady`."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [part.replace("{port}", str(self.port)) for part in self.command],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise NeverReady(f"{' '.join(self.command)}\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Return whether it responds at all, with any status."""
        connection = HTTPConnection(HOST, self.port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True

    def tree(self) -> Sequence[psutil.Process]:
        """Return the processes, oldest first."""
        if self.process is None or self.process.poll() is not None:
            return []  # its id may belong to another process by now
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        return []

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""
        used = 0.0
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system
        return used

    def memory(self) -> Memory:
        """Return the memory in use."""
        resident = shared = 0
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):
                found = process.memory_info()
                resident, shared = resident + found.rss, shared + found.shared
        return Memory(resident / MIB, (resident - shared) / MIB)

    def kill(self) -> None:
        """Kill all of its processes at once, like a power failure."""
        kill(self.tree())
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """Stop the server like a supervisor, and kill it if it does not stop."""
        if self.process is None or self.process.poll() is not None:
            return
        processes = self.tree()
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        kill(processes)
        self.process.wait()

    def tracebacks(self) -> Sequence[str]:
        """Return the log's entries with tracebacks, which expected events never cause."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "Traceback (most recent call last)" in line]


def gateway(database_url: str, log: Path, *, workers: int = 1, geoip: str = "", scripts: Path = SCRIPTS) -> Server:
    """Return a gateway that trusts forwarded addresses and does all lookups. `scripts` is the folder of the `clickgate`
    command, by default this environment's."""
    environment = {
        "CLICKGATE_DATABASE_URL": database_url,
        "CLICKGATE_TRUSTED_PROXIES": HOST,
        "CLICKGATE_GEOIP_DB": geoip,
        "CLICKGATE_LOG_FORMAT": "json",
    }
    command = [str(scripts / "clickgate"), "serve", "--port", "{port}"]
    return Server(command + (["--workers", str(workers)] if workers > 1 else []), log, environment)


def application(name: str, log: Path, environment: Mapping[str, str]) -> Server:
    """Return one of this folder's applications on the same server, event loop and parser as the gateway."""
    options = f"--port {{port}} --loop uvloop --http httptools --no-access-log --log-level warning {PACKAGE}.{name}"
    command = [str(SCRIPTS / "uvicorn"), "--app-dir", str(FOLDER.parents[1]), *options.split()]
    return Server(command, log, environment)


def kill(processes: Sequence[psutil.Process]) -> None:
    """Kill processes that this program started."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=STOP_SECONDS)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
