"""Parsing of SQLite's write-ahead log and its index, which record commits and the progress of checkpoints.

SQLite has no API for this. The layouts are documented at https://www.sqlite.org/walformat.html and
https://www.sqlite.org/fileformat.html.
"""

import os
import struct
from typing import NamedTuple

# The index starts with two copies of its header, followed by the state of checkpoints.
INDEX_BYTES = 136
HEADER_BYTES = 48
_HEADER = struct.Struct("=I4xI")
_CHECKPOINT = struct.Struct("=I28xI")
SERIAL = 0xFFFFFFFF
LOG_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
# A commit updates both copies of the header within a microsecond.
TRIES = 100


class WalIndex(NamedTuple):
    """The state of a write-ahead log."""

    changes: int
    """The number of committed transactions, modulo 2**32."""
    salts: bytes
    """Values that change whenever the log restarts."""
    frames: int
    """The number of frames in the log; the same page may be in several."""
    copied: int
    """How many of them, starting from the first, are in the database file."""
    attempted: int
    """How many of them the latest checkpoint set out to copy. Recorded before it copies the first."""

    @property
    def is_copying(self) -> bool:
        """Whether a checkpoint is running or was interrupted."""
        return self.attempted != self.copied

    @property
    def of_checkpoints(self) -> tuple[bytes, int, int]:
        """The values that change only when a checkpoint runs or the log restarts."""
        return self.salts, self.copied, self.attempted

    def leaves_file_alone(self, later: "WalIndex") -> bool:
        """Return whether no checkpoint wrote to the database file between this state and a later one."""
        if later.salts == self.salts:
            return later.of_checkpoints == self.of_checkpoints
        # The log had been copied completely, and restarted with the single transaction that it has now.
        has_begun = self.frames == self.copied and not later.attempted
        transactions = later.changes - self.changes & SERIAL
        return (
            has_begun
            and _serial(later.salts) == _serial(self.salts) + 1 & SERIAL
            and transactions == bool(later.frames)
        )


def _serial(salts: bytes) -> int:
    """Return the first salt, which increases by one when the log restarts."""
    return int.from_bytes(salts[:4], "big")


def read_index(descriptor: int) -> WalIndex:
    """Parse the index in a `-shm` file."""
    for _ in range(TRIES):
        data = os.pread(descriptor, INDEX_BYTES, 0)
        if data[:HEADER_BYTES] == data[HEADER_BYTES : 2 * HEADER_BYTES]:
            break
    if len(data) < INDEX_BYTES:
        return WalIndex(0, b"", 0, 0, 0)
    copied, attempted = _CHECKPOINT.unpack_from(data, 2 * HEADER_BYTES)
    changes, frames = _HEADER.unpack_from(data, 8)
    return WalIndex(changes, data[32:40], frames, copied, attempted)


def log_salts(descriptor: int) -> bytes:
    """Return the salts in the header of a `-wal` file; empty if the file is."""
    return os.pread(descriptor, 8, 16)


class Frame(NamedTuple):
    """A page in the log."""

    page: int
    salts: bytes
    content: bytes


def read_frame(descriptor: int, number: int, page_bytes: int) -> Frame:
    """Read a frame of a `-wal` file. Frames are numbered from 1."""
    size = FRAME_HEADER_BYTES + page_bytes
    data = os.pread(descriptor, size, LOG_HEADER_BYTES + (number - 1) * size)
    return Frame(int.from_bytes(data[:4], "big"), data[8:16], data[FRAME_HEADER_BYTES:])
