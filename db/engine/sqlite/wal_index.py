"""SQLite's write-ahead log and its index, read beside SQLite: what was committed, and what was copied into the file.

The layouts are documented at https://www.sqlite.org/walformat.html and https://www.sqlite.org/fileformat.html.
"""

import os
import struct
from typing import NamedTuple

# The index begins with two copies of its header, then tells about checkpoints.
INDEX_BYTES = 136
HEADER_BYTES = 48
_HEADER = struct.Struct("=I4xI")
_CHECKPOINT = struct.Struct("=I28xI")
SERIAL = 0xFFFFFFFF
LOG_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
# A commit replaces both copies of the header within a microsecond.
TRIES = 100


class WalIndex(NamedTuple):
    """The state of a write-ahead log."""

    changes: int
    """How many transactions were committed, modulo 2**32."""
    salts: bytes
    """They change whenever the log begins anew."""
    frames: int
    """Pages that the log holds, some of them several times."""
    copied: int
    """How many of them, from the first one on, are in the database file."""
    attempted: int
    """How many of them a checkpoint that began last was to copy. It is noted before the first is copied."""

    @property
    def is_copying(self) -> bool:
        """Whether a checkpoint is under way, or was cut off."""
        return self.attempted != self.copied

    @property
    def of_checkpoints(self) -> tuple[bytes, int, int]:
        """What only changes as the log is copied, or begins anew."""
        return self.salts, self.copied, self.attempted

    def leaves_file_alone(self, later: "WalIndex") -> bool:
        """Return whether no checkpoint wrote the database file on the way from this state to a later one."""
        if later.salts == self.salts:
            return later.of_checkpoints == self.of_checkpoints
        # All of it had been copied, so that it began anew with the one transaction that it has now.
        has_begun = self.frames == self.copied and not later.attempted
        transactions = later.changes - self.changes & SERIAL
        return (
            has_begun
            and _serial(later.salts) == _serial(self.salts) + 1 & SERIAL
            and transactions == bool(later.frames)
        )


def _serial(salts: bytes) -> int:
    """Return the first salt, which grows by one when a log begins anew."""
    return int.from_bytes(salts[:4], "big")


def read_index(descriptor: int) -> WalIndex:
    """Read the index from a `-shm` file."""
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
    """Return the salts in the header of a `-wal` file; nothing where it has none."""
    return os.pread(descriptor, 8, 16)


class Frame(NamedTuple):
    """A page in the log."""

    page: int
    salts: bytes
    content: bytes


def read_frame(descriptor: int, number: int, page_bytes: int) -> Frame:
    """Read a frame of a `-wal` file; the first one has the number 1."""
    size = FRAME_HEADER_BYTES + page_bytes
    data = os.pread(descriptor, size, LOG_HEADER_BYTES + (number - 1) * size)
    return Frame(int.from_bytes(data[:4], "big"), data[8:16], data[FRAME_HEADER_BYTES:])
