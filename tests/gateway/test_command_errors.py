"""The command line reports an operator's mistakes in one line and without a traceback."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from gateway.cli.main import COMMANDS
from tests.support.databases import MakeDatabase
from tests.support.fork_server import heed_signals
from tests.support.processes import COMMAND, clickgate, environment

pytestmark = pytest.mark.slow

HUGE = "9" * 25
NO_TEXT = os.fsdecode(b"caf\xe9")
BAD_ARGUMENTS = [
    *(("token", "issue", "--role", "admin", "--expires-in-days", days) for days in ("3650000", HUGE, "0", "-1", "x")),
    *(("token", "issue", "--role", "partner", "--partner-id", id) for id in (HUGE, "0", "-1", "", "1.5")),
    *(("token", "revoke", id) for id in (HUGE, "0", "", "x")),
    *(("token", "sign-in-link", "--valid-days", days) for days in ("0", "31", "x")),
    ("token", "sign-in-link", "--role", "tracking"),
    *((name, "update", id, "--name", "X") for name in ("program", "partner") for id in (HUGE, "0", "x")),
    ("program", "update", "1"),
    ("link", "import", "/nowhere/links.csv"),
    *(("db", "drop-clicks", "--before", month) for month in ("", "2026-13", "May", "2026-05-01", HUGE, "0000-01")),
    *(("link", "pause", code) for code in ("", HUGE * 10, "\N{SNOWMAN}", NO_TEXT)),
    ("partner", "create", "--name", "X", "--program-id", HUGE),
    ("link", "create", "--code", "A", "--program-id", HUGE, "--partner-id", HUGE),
    ("program", "create", "--name", "X", "--cookie-window-days", HUGE),
    ("program", "create", "--name", NO_TEXT),
    ("program", "create", "--name", ""),
    ("serve", "--port", HUGE),
    ("serve", "--workers", HUGE),
    ("demo", "--port", "-1"),
    *(("backup", file) for file in ("", ".", "/", "/nowhere/copy.db", "/dev/null", "/proc/copy.db")),
    *(("restore", file) for file in ("", ".", "/nowhere/copy.db", "/dev/null", str(Path(__file__)))),
    *(("outbox", "rewind", name) for name in ("", "nothing", HUGE, NO_TEXT)),
    ("outbox", "remove", "rollups"),
    ("nothing",),
]
# Commands that use the database, with otherwise valid arguments.
USERS = [
    ("program", "create", "--name", "X"),
    ("partner", "create", "--name", "X"),
    ("link", "pause", "X"),
    ("token", "revoke", "1"),
    ("partner", "update", "1", "--name", "X"),
    ("audit",),
    ("rollups", "rebuild"),
    ("segments", "rebuild"),
    ("outbox", "list"),
    ("outbox", "rewind", "rollups"),
    ("db", "upgrade"),
    ("serve", "--port", "0"),
    ("demo", "--port", "0"),
    ("backup", "copy.db"),
    ("restore", str(Path(__file__))),
]
BAD_URLS = [
    "nonsense",
    "mysql://user:hush@host/name",
    "sqlite:////",
    "sqlite:////nowhere/clicks.db",
    "sqlite:////dev/null",
    f"sqlite:///{__file__}",
    "sqlite:///clicks.db?password=hush",
    "postgresql://user:hush@127.0.0.1:1/name",
    "postgresql://user:hush@127.0.0.1:1/name?colour=hush",
    "postgresql://user:hush@127.0.0.1:x/name",
    "postgresql://user:hush@127.0.0.1:1,127.0.0.1:99999/name",
    "postgresql://user:hush@nowhere.invalid/name?sslmode=require",
    "postgresql:///name?host=/nowhere&password=hush",
]


def in_one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line with which a command reports an error."""
    assert done.returncode in (1, 2), done
    assert "Traceback" not in done.stderr
    assert "hush" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith(("clickgate: ", "Error: "))]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=repr)
def test_invalid_arguments_and_settings_are_reported(make_sqlite: MakeDatabase, arguments: tuple[str, ...]) -> None:
    in_one_line(clickgate(make_sqlite(), *arguments))


@pytest.mark.parametrize("url", BAD_URLS)
def test_unusable_databases_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in USERS if url == "nonsense" else USERS[5:8]:
        in_one_line(clickgate(url, *arguments))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change", ["DROP TABLE alembic_version", "DELETE FROM alembic_version", "DROP TABLE id_blocks"]
)
def test_a_missing_table_is_reported(make_sqlite: MakeDatabase, change: str, tmp_path: Path) -> None:
    url = make_sqlite()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute(change)
    for arguments in USERS:
        if arguments[0] != "backup":
            in_one_line(clickgate(url, *arguments))
    in_one_line(clickgate(url, "backup", str(tmp_path / "copy.db")))


def test_every_command_is_tested_with_an_invalid_value() -> None:
    assert {arguments[0] for arguments in (*BAD_ARGUMENTS, *USERS)} >= COMMANDS.keys() - {"openapi", "schema"}


def test_a_port_in_use_is_reported(make_sqlite: MakeDatabase) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        done = clickgate(make_sqlite(), "serve", "--port", str(listener.getsockname()[1]))
    assert done.returncode
    assert "Traceback" not in done.stderr
    assert "already in use" in done.stderr


def test_a_missing_temporary_folder_is_reported(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    broken = tmp_path / "city.mmdb"
    broken.write_bytes(b"nothing")
    done = clickgate(make_sqlite(), "serve", "--port", "0", geoip_db=str(broken))
    assert done.returncode
    assert "Traceback" not in done.stderr
    assert str(broken) in done.stderr


def test_a_closed_pipe_and_a_full_device_are_reported() -> None:
    with subprocess.Popen([COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    with open("/dev/full", "w") as full:
        done = subprocess.run([COMMAND, "openapi"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_an_interrupted_command_ends_without_a_traceback(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    file = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        command = [str(COMMAND), "program", "create", "--name", "Shop"]
        process = subprocess.Popen(command, env=environment(url), stderr=subprocess.PIPE, preexec_fn=heed_signals)
        while file not in {opened.path for opened in psutil.Process(process.pid).open_files()}:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert told.split() == [b"Aborted!"]


def test_an_unknown_variable_is_reported_with_the_most_similar_setting(make_sqlite: MakeDatabase) -> None:
    settings = {
        "DATABSE_URL": "x",
        "PORTS": "1",
        "GEOIP_FILE": "x",
        "SERVICE_HOST": "x",
        "PORT_80_TCP": "x",
        "WEB": "x",
    }
    done = clickgate(make_sqlite(), "audit", **settings)
    assert done.returncode == 0
    told = done.stderr.splitlines()
    assert len(told) == 3
    for name, meant in (("DATABSE_URL", "DATABASE_URL"), ("PORTS", "PORT"), ("GEOIP_FILE", "GEOIP_DB")):
        assert any(f"CLICKGATE_{name} is not a setting: did you mean CLICKGATE_{meant}?" in line for line in told)
