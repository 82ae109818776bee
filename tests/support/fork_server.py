"""Runs commands of the command line in processes that are forked from one that has imported it already.

A command takes much longer to import than to run, and the tests run hundreds. Each still has a process of its own, with
its own arguments, environment, folder, output and exit code, and calls what the installed program calls. Variables that
Python itself reads when it starts have no effect.
`tests/gateway/test_cli.py` checks that the program itself starts all kinds of commands.
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
    """Run one command to its end, in the current folder. Raises `TimeoutExpired`, as `subprocess.run` does."""
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
    """Start the server of this process. It ends when this process does, which closes the socket."""
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
    """Serve until the tests end. Returns in a new process for each command alone, with what it was asked."""
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
    """Fork once more, and return in the child, so that this process can tell its exit code."""
    pid = os.fork()
    if pid:
        os.write(teller, b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # nobody waits for a command that was killed because it took too long
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
    # To take all modules down in good order would copy their memory, and take longer than most commands.
    os._exit(returncode)


def serve() -> None:
    """Import every command, and run each that is asked for on the socket whose descriptor is the argument."""
    for module, _ in COMMANDS.values():
        import_module(f"gateway.cli.{module}")
    gc.freeze()
    _run(_next_request(socket.socket(fileno=int(sys.argv[1]))))
