"""Descriptors of files that SQLite has open, shared by all of this process.

POSIX drops all of a process's locks on a file, SQLite's as well, as soon as the process closes any descriptor of it. So
there is one for each file, and it is closed when nothing in this process needs it any more.
"""

import os
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

Identity: TypeAlias = tuple[int, int]
"""A file's device and inode."""


@dataclass(slots=True)
class _Shared:
    descriptor: int
    users: int = 0


_lock = Lock()
_shared: dict[Identity, _Shared] = {}


def share(path: str) -> int:
    """Return a descriptor to read the file at a path with. Raises `OSError`."""
    with _lock:
        found = os.stat(path)
        identity = found.st_dev, found.st_ino
        if identity not in _shared:
            _shared[identity] = _Shared(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        _shared[identity].users += 1
        return _shared[identity].descriptor


def give_back(descriptor: int) -> None:
    """Close a descriptor that nobody else uses."""
    with _lock:
        for identity, shared in _shared.items():
            if shared.descriptor == descriptor:
                shared.users -= 1
                if not shared.users:
                    del _shared[identity]
                    os.close(descriptor)
                return
