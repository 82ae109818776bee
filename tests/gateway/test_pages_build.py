"""Building the web pages: on installation, optional without npm, and repeated when the sources change."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.databases import MakeDatabase
from tests.support.processes import environment, free_port, ready, stop
from tests.support.web_pages import need_pages

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WEB = ROOT / "gateway" / "web"
# Nothing listens on this port.
NOWHERE = "http://127.0.0.1:9"
BUILD = "from hatch_build import build; build()"


@pytest.fixture
def unbuilt(tmp_path: Path) -> Path:
    """Return a folder with a gateway that was installed without access to npm."""
    sources = tmp_path / "sources"
    left_out = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
    for folder in ("gateway", "graph", "rest", "db"):
        shutil.copytree(ROOT / folder, sources / folder, ignore=left_out)
    for file in ("pyproject.toml", "README.md", "hatch_build.py"):
        shutil.copy(ROOT / file, sources)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(tmp_path / "installed")]
    settings = {**os.environ, "npm_config_registry": NOWHERE, "npm_config_cache": str(tmp_path / "cache")}
    subprocess.run([*pip, *options, str(sources)], check=True, env=settings)
    return tmp_path / "installed"


async def test_without_npm_the_pages_explain_how_to_build_them(unbuilt: Path, make_sqlite: MakeDatabase) -> None:
    assert not (unbuilt / "gateway" / "web" / "dist").exists()
    url = f"http://127.0.0.1:{(port := free_port())}"
    start = [sys.executable, "-c", "from gateway.cli.main import cli; cli()", "serve", "--port", str(port)]
    process = subprocess.Popen(start, cwd=unbuilt, env=environment(make_sqlite()) | {"PYTHONPATH": str(unbuilt)})
    try:
        async with httpx.AsyncClient(base_url=url) as http:
            await ready(http, url, process)
            for path in ("/dashboard", "/graphql"):
                page = await http.get(path, headers={"Accept": "text/html"})
                assert page.status_code == 503
                assert "make web" in page.text
            answer = await http.post("/graphql", json={"query": "{ __typename }"})
            assert answer.json()["data"] == {"__typename": "Query"}
    finally:
        await stop(process)


def test_pages_are_rebuilt_only_if_their_sources_have_changed() -> None:
    need_pages()
    page = WEB / "dist" / "dashboard.html"
    built_at = page.stat().st_mtime_ns
    subprocess.run([sys.executable, "-c", BUILD], cwd=ROOT, check=True, env={**os.environ, "PATH": ""})
    assert page.stat().st_mtime_ns == built_at


def test_the_lock_file_names_no_registry() -> None:
    lock = (WEB / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "registry" not in lock


def test_the_pages_type_check() -> None:
    compiler = WEB / "node_modules" / "typescript" / "bin" / "tsc"
    if shutil.which("node") is None or not compiler.is_file():
        reason = "no Node here: the pages' types go unchecked"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    checked = subprocess.run(["node", str(compiler)], cwd=WEB, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
