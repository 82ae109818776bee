"""The installed wheel, outside of the source tree, with only the pinned runtime requirements.

Nothing is downloaded: the installed backend builds the wheel, and this environment provides the requirements.
"""

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.support.web_pages import need_pages

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FOLDERS = ("gateway", "graph", "rest", "db")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `clickgate` command of an environment with the wheel installed."""
    folder = tmp_path_factory.mktemp("packaging")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = folder.glob("clickgate-*.whl")
    venv.create(folder / "venv", symlinks=True)
    paths = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    python = Path(sysconfig.get_path("scripts", "venv", paths)) / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)], check=True)
    # A folder in a .pth file provides its packages, but its own .pth files, which point to the sources, are ignored.
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return python.with_name("clickgate")


def run(command: Path, *arguments: str, **environment: str) -> str:
    """Run the command in a folder without sources, and return its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLICKGATE_", "PYTHON"))}
    return subprocess.run(
        [command, *arguments], check=True, cwd=command.parent, env=kept | environment, stdout=subprocess.PIPE, text=True
    ).stdout


def test_the_installed_command_lists_its_commands(command: Path) -> None:
    assert "serve" in run(command, "--help")


def test_the_wheel_runs_and_not_the_sources(command: Path) -> None:
    script = "import db, gateway, graph, rest; print(*db.__path__, *gateway.__path__, *graph.__path__, *rest.__path__)"
    assert str(ROOT) not in run(command.with_name("python"), "-c", script)


def test_the_installed_command_prints_the_schemas(command: Path) -> None:
    assert "/api/v1/track/click" in json.loads(run(command, "openapi"))["paths"]


def test_the_installed_command_has_the_migrations(command: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/clicks.db"
    run(command, "db", "upgrade", CLICKGATE_DATABASE_URL=url)
    assert json.loads(run(command, "audit", CLICKGATE_DATABASE_URL=url))["differences"] == []


def test_the_installed_packages_include_the_shop_and_the_tracker(command: Path) -> None:
    script = (
        "from gateway.demo.shop import routes; from rest.tracker.script import TrackerScript; routes(), TrackerScript()"
    )
    run(command.with_name("python"), "-c", script)


def test_the_installed_gateway_has_the_web_pages_without_their_sources(command: Path) -> None:
    need_pages()
    script = "import gateway; from pathlib import Path; print(*Path(gateway.__file__).with_name('web').rglob('*'))"
    files = run(command.with_name("python"), "-c", script)
    assert all(
        f"dist/{name}" in files
        for name in ("dashboard.html", "dashboard-section.html", "graphiql.html", "licenses.txt", "assets/dashboard-")
    )
    assert not any(name in files for name in ("node_modules", "package.json", "build.mjs", "src", ".png"))


def test_the_gateway_imports_no_development_dependencies() -> None:
    pinned = {_plain(line.split("==")[0]) for line in (ROOT / "requirements.txt").read_text().splitlines()}
    files = [file for found in distributions() if _plain(found.name) in pinned for file in found.files or ()]
    provided = {file.parts[0].split(".")[0] for file in files}
    wanted = {name for name in _imports() if name not in sys.stdlib_module_names and name not in FOLDERS}
    assert "sqlalchemy" in wanted
    assert wanted - provided == set()


def _imports() -> Iterator[str]:
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0]


def _plain(name: str) -> str:
    """Return a distribution's name, normalised according to PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
