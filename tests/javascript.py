"""What runs on Node: the clients and audits in `tests/graphql_http`, with their packages."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "graphql_http"
LOCK = FOLDER / "package-lock.json"


def installed(folder: Path) -> Path:
    """Install the packages in a folder of their own, with the scripts, and return it. Without Node the test is
    skipped, but where everything has to be checked it fails."""
    if shutil.which("npm") is None:
        reason = "no Node here: GraphQL goes unchecked against JavaScript's clients"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    for file in FOLDER.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return folder


async def run(folder: Path, *command: str) -> str:
    """Run a command to its end, and return what it printed."""
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
