"""File descriptors for reading files that SQLite has open, shared by the whole process.

POSIX releases all of a process's locks on a file, SQLite's included, as soon as the process closes any descriptor of
it. So each file has one shared descriptor, which is closed only when nothing in this process uses it.
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
    """Return a descriptor for reading the file at a path; release it with `give_back`. Raises `OSError`."""
    with _lock:
        found = os.stat(path)
        identity = found.st_dev, found.st_ino
        if identity not in _shared:
            _shared[identity] = _Shared(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        _shared[identity].users += 1
        return _shared[identity].descriptor


def give_back(descriptor: int) -> None:
    """Release a descriptor, and close it if it has no other users."""
    with _lock:
        for identity, shared in _shared.items():
            if shared.descriptor == descriptor:
                shared.users -= 1
                if not shared.users:
                    del _shared[identity]
                    os.close(descriptor)
                return
