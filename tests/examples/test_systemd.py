"""The units of `examples/systemd`: systemd accepts them, and their commands work with the example's settings."""

import configparser
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import httpx
import pytest

from gateway.configuration.settings import Settings
from gateway.server.serve import SHUTDOWN_SECONDS
from tests.support.example_files import EXAMPLES
from tests.support.gateways import make_link
from tests.support.nginx import command
from tests.support.processes import COMMAND, clickgate, free_port, ready, stop

pytestmark = pytest.mark.slow

UNITS = ("clickgate.service", "clickgate-backup.service", "clickgate-backup.timer")
PROGRAM = "/opt/clickgate/bin/clickgate"


def installed(folder: Path) -> dict[str, str]:
    """Return the units' texts with this installation's command and with another folder for the service's files."""
    (folder / "backups").mkdir()
    texts = {name: (EXAMPLES / "systemd" / name).read_text() for name in (*UNITS, "clickgate.env")}
    for name, text in texts.items():
        texts[name] = text.replace(PROGRAM, str(COMMAND)).replace("/var/lib/clickgate", str(folder))
    return texts


def service(text: str) -> Mapping[str, str]:
    """Return a service's directives; the last one wins if a directive is repeated."""
    unit = configparser.RawConfigParser(strict=False, delimiters=["="])
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # the library's own way to keep capitals
    unit.read_string(text)
    return unit["Service"]


def arguments(text: str) -> list[str]:
    """Return a service's command as systemd would run it."""
    return [word.replace("$$", "$").replace("%%", "%") for word in shlex.split(service(text)["ExecStart"])]


def environment(text: str, **settings: str) -> dict[str, str]:
    """Return the variables of an environment file, with additional settings."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {"PATH": os.environ["PATH"], **dict(line.split("=", 1) for line in lines), **settings}


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    program = command("systemd-analyze")
    paths = [tmp_path / name for name in UNITS]
    for path, text in zip(paths, installed(tmp_path).values(), strict=False):
        path.write_text(text)
    done = subprocess.run([program, "verify", *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def test_the_service_runs_and_stops_and_the_backup_is_complete(tmp_path: Path) -> None:
    texts = installed(tmp_path)
    await make_link_in(f"sqlite:///{tmp_path}/clickgate.db")
    port = str(free_port())
    settings = environment(texts["clickgate.env"], CLICKGATE_PORT=port)
    process = subprocess.Popen(arguments(texts["clickgate.service"]), env=settings, stderr=subprocess.PIPE)
    try:
        async with httpx.AsyncClient(timeout=20) as http:
            await ready(http, f"http://127.0.0.1:{port}", process)
            visit = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}
            answer = await http.post(f"http://127.0.0.1:{port}/api/v1/track/click", json=visit)
            assert answer.status_code == 200
        for _ in range(2):  # the second backup replaces the first
            subprocess.run(arguments(texts["clickgate-backup.service"]), env=settings, check=True)
    finally:
        # systemd treats this status as success, so stopping is not a failure.
        assert await stop(process) in (0, -signal.SIGTERM)
    assert process.stderr is not None
    assert b"is not a setting" not in process.stderr.read()
    process.stderr.close()
    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.name == f"{date.today().isoweekday()}.db"
    assert '"events": 1,' in clickgate(f"sqlite:///{backup}", "audit").stdout


async def make_link_in(url: str) -> None:
    """Create a database with a link."""
    assert clickgate(url, "db", "upgrade").returncode == 0
    await make_link(url)


def test_the_service_is_not_restarted_after_an_invalid_setting(tmp_path: Path) -> None:
    text = installed(tmp_path)["clickgate.service"]
    wrong = {"CLICKGATE_PORT": "none", "PATH": os.environ["PATH"]}
    done = subprocess.run(arguments(text), env=wrong, capture_output=True, text=True, check=False)
    assert str(done.returncode) == service(text)["RestartPreventExitStatus"]
    assert "CLICKGATE_PORT" in done.stderr


def test_systemd_waits_for_the_gateways_shutdown(tmp_path: Path) -> None:
    assert int(service(installed(tmp_path)["clickgate.service"])["TimeoutStopSec"]) > SHUTDOWN_SECONDS


def test_the_limit_on_open_files_allows_all_connections(tmp_path: Path) -> None:
    limit = int(service(installed(tmp_path)["clickgate.service"])["LimitNOFILE"])
    assert limit > Settings.model_fields["connections"].default
