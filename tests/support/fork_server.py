"""Runs clickgate's commands in processes forked from one that has already imported them.

Importing a command takes much longer than running it, and the tests run hundreds. Each command still has its own
process, with its own arguments, environment, folder, output and exit code, and calls what the installed program calls.
Variables that Python reads at startup have no effect. `tests/gateway/test_cli.py` checks that the installed program
itself starts.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

from gateway.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
CLICKGATE = "gateway.cli.main:main"
"""The function that the installed program calls."""
MESSAGE_BYTES = 128 * 1024


class Forked:
    """A command that runs in a process of its own, with what the tests use of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], told: socket.socket) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._told = told
        self.pid = int(told.recv(MESSAGE_BYTES))

    def poll(self) -> int | None:
        """Return the exit code, or None while the command runs."""
        return self._returned(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code. Raises `TimeoutExpired`."""
        returncode = self._returned(timeout)
        if returncode is None:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        return returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _returned(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = int(self._told.recv(MESSAGE_BYTES))
            except (BlockingIOError, TimeoutError):
                return None
            self._told.close()
        return self.returncode


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    out: int,
    err: int,
    *,
    is_leader: bool = False,
    program: str = CLICKGATE,
) -> Forked:
    """Start a command in the current folder, with its output to two file descriptors. `is_leader` starts it like a
    service: with a session of its own, in which no signal is ignored. `program` is a function with its module."""
    request = {
        "program": program,
        "argv": list(arguments),
        "environ": dict(environment),
        "folder": os.getcwd(),
        "is_leader": is_leader,
    }
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        socket.send_fds(_server(), [json.dumps(request).encode()], [theirs.fileno(), out, err])
    return Forked(arguments, ours)


def run(arguments: Sequence[str], environment: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a command to completion in the current folder. Raises `TimeoutExpired`, like `subprocess.run`."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        command = start(arguments, environment, out.fileno(), err.fileno())
        try:
            returncode = command.wait(timeout)
        except subprocess.TimeoutExpired:
            os.kill(command.pid, signal.SIGKILL)
            raise
        for output in (out, err):
            output.seek(0)
        return subprocess.CompletedProcess(list(arguments), returncode, out.read(), err.read())


def heed_signals() -> None:
    """Restore the signal handling that `nohup`, or a shell running the tests in the background, disables in all
    processes."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@cache
def _server() -> socket.socket:
    """Start this process's server. It ends together with this process, which closes the socket."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-c", "from tests.support.fork_server import serve; serve()", str(theirs.fileno())],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    return ours


def _next_request(control: socket.socket) -> dict[str, Any]:
    """Serve until the tests end. Returns only in each command's new process, with the request."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, *_ = socket.recv_fds(control, MESSAGE_BYTES, 3)
        if not message:
            sys.exit()
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _watched(message, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _watched(message: bytes, teller: int, out: int, err: int) -> dict[str, Any]:
    """Fork again and return in the child, so that this process can report the child's exit code."""
    pid = os.fork()
    if pid:
        os.write(teller, b"%d" % pid)
        _, status = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # nobody waits for this command any more
            os.write(teller, b"%d" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    for descriptor in (teller, out, err):
        os.close(descriptor)
    request: dict[str, Any] = json.loads(message)
    if request["is_leader"]:
        os.setsid()
        heed_signals()
    return request


def _run(request: Mapping[str, Any]) -> NoReturn:
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    sys.argv[:] = ["clickgate", *request["argv"]]
    returncode = 1
    module, _, function = request["program"].partition(":")
    try:
        getattr(import_module(module), function)()
        returncode = 0
    except SystemExit as told:
        returncode = int(told.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    # A regular interpreter shutdown would copy the modules' memory, and take longer than most commands.
    os._exit(returncode)


def serve() -> None:
    """Import all commands and what they serve, and run those requested through the socket whose descriptor is the
    argument."""
    for module in ("gateway.app", *{f"gateway.cli.{listed.module}" for listed in COMMANDS.values()}):
        import_module(module)
    gc.freeze()
    _run(_next_request(socket.socket(fileno=int(sys.argv[1]))))
