"""A real PgBouncer in transaction mode in front of the tests' PostgreSQL, with so few server sessions that transactions
keep switching between them."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import free_port

SESSIONS = 3
CONFIGURATION = """
[databases]
* = host={socket}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
logfile = {folder}/log
pidfile = {folder}/pid
{user}
"""


def pgbouncer_command() -> str:
    """Return the command, or skip the test if it is not installed."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("there is no pgbouncer on this machine: `apt-get install pgbouncer` brings it")
    return found


@contextmanager
def running_pgbouncer(socket_folder: Path) -> Iterator[int]:
    """Run PgBouncer for the server whose socket is in a folder; yield its port on the loopback address."""
    command = pgbouncer_command()
    folder = Path(tempfile.mkdtemp(prefix="clickgate-pgbouncer-"))
    port = free_port()
    # It refuses to run as root, and only its owner can access the server's folder.
    owner = socket_folder.owner()
    user = f"user = {owner}" if os.geteuid() == 0 else ""
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(socket=socket_folder, port=port, sessions=SESSIONS, folder=folder, user=user)
    )
    (folder / "users").write_text('"postgres" ""\n')
    if os.geteuid() == 0:
        shutil.chown(folder, owner)
    process = subprocess.Popen([command, "--quiet", str(configuration)], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("PgBouncer did not start")
