"""A folder for databases that no test expects to survive a power cut: in memory if there is plenty, or else on disk.

PostgreSQL makes 400 files for each database, which takes ten times as much processor time on a disk's file system.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")
PREFIX = "clickgate-test-"
# Several times what the databases of one process take. Containers often have only 64 MiB.
NEEDED_BYTES = 4 * 1024**3


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Create a folder with a short path, which fits into the name of a Unix socket, and remove it at the end."""
    is_roomy = is_in_memory(MEMORY) and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES
    if is_roomy:
        _remove_abandoned()
    parent = MEMORY if is_roomy else None
    name = f"{PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=name, dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def is_in_memory(path: Path) -> bool:
    """Return whether a path is in memory and can be written to."""
    return path.is_relative_to(MEMORY) and os.access(MEMORY, os.W_OK | os.X_OK)


def _remove_abandoned() -> None:
    """Remove the folders of processes that were killed: they would take memory until the next start of the machine."""
    for folder in MEMORY.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
