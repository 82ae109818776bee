"""Packages from npm: the clients and audits in `tests/support/npm/graphql_clients`, which run on Node, the tracker's
loader, and the user agents of browsers."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

GRAPHQL = Path(__file__).parent / "npm" / "graphql_clients"
TRACKER = Path(__file__).parent / "npm" / "tracker"
AGENTS = Path(__file__).parent / "npm" / "agents"
LOCKS = tuple(project / "package-lock.json" for project in (GRAPHQL, TRACKER, AGENTS))


def installed(folder: Path, project: Path = GRAPHQL) -> Path:
    """Install a project's packages in a folder of its own, with its scripts, and return the folder. Without Node, skip
    the test, or fail it where nothing may be skipped."""
    if shutil.which("npm") is None:
        reason = "no Node here: what JavaScript's packages do with a gateway goes unchecked"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    for file in project.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder


async def run(folder: Path, *command: str) -> str:
    """Run a command to completion; return its output."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, printed.decode()
    return printed.decode()
