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

from gateway.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[2]
MESSAGE_BYTES = 128 * 1024


def run(arguments: Sequence[str], environment: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a command to completion in the current folder. Raises `TimeoutExpired`, like `subprocess.run`."""
    request = {"argv": list(arguments), "environ": dict(environment), "folder": os.getcwd()}
    ours, theirs = socket.socketpair()
    with ours, theirs, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        descriptors = [theirs.fileno(), out.fileno(), err.fileno()]
        socket.send_fds(_server(), [json.dumps(request).encode()], descriptors)
        theirs.close()
        ours.settimeout(timeout)
        with ours.makefile() as told:
            pid = int(told.readline())
            try:
                returncode = int(told.readline())
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(arguments), timeout) from None
        for output in (out, err):
            output.seek(0)
        return subprocess.CompletedProcess(list(arguments), returncode, out.read(), err.read())


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
        os.write(teller, b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # the client has already killed this command after a timeout
            os.write(teller, b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    for descriptor in (teller, out, err):
        os.close(descriptor)
    request: dict[str, Any] = json.loads(message)
    return request


def _run(request: Mapping[str, Any]) -> NoReturn:
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    sys.argv[:] = ["clickgate", *request["argv"]]
    returncode = 1
    try:
        main()
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
    """Import all commands, and run those requested through the socket whose descriptor is the argument."""
    for module in {listed.module for listed in COMMANDS.values()}:
        import_module(f"gateway.cli.{module}")
    gc.freeze()
    _run(_next_request(socket.socket(fileno=int(sys.argv[1]))))
