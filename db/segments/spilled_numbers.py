"""Numbers that do not fit into memory, in a temporary file, by the part that each belongs to.

A part is read back alone. The file has no name, so that nothing of it is left when the process ends.
"""

import os
import weakref
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np

from db.segments.bit_columns import NUMBER_BYTES, Numbers, Widths

# Like SQLite: /tmp is often in memory. Whoever sets TMPDIR decides.
LARGE_FILES = "/var/tmp"  # noqa: S108  the file has no name
# Numbers to sort by part at once, which takes some eight megabytes.
SLICE_NUMBERS = 250_000


class _Run(NamedTuple):
    """Numbers that lie together in the file, and what they were added with."""

    offset: int
    size: int
    widths: Widths


class SpilledNumbers:
    """Numbers by part, in the form that they were added in. There are at most 256 parts, a power of two."""

    def __init__(self, parts: int) -> None:
        """Raises `OSError` where no temporary file can be made."""
        folder = None if "TMPDIR" in os.environ or not os.access(LARGE_FILES, os.W_OK) else LARGE_FILES
        self._file = TemporaryFile(prefix="clickgate-", dir=folder, buffering=0)  # noqa: SIM115  closed with this object
        weakref.finalize(self, self._file.close)
        self._end = 0
        self._runs: list[list[_Run]] = [[] for _ in range(parts)]

    @property
    def parts(self) -> int:
        return len(self._runs)

    def add(self, numbers: Numbers, shift: int, bits: int, widths: Widths) -> None:
        """Add numbers. Of their bits from a shift on, so many tell the part. Raises `OSError`."""
        mask = min(self.parts, 1 << bits) - 1
        for start in range(0, len(numbers), SLICE_NUMBERS):
            some = numbers[start : start + SLICE_NUMBERS]
            part_of = (some >> np.uint64(shift) & np.uint64(mask)).astype(np.uint8)
            # A stable sort of single bytes takes a fifth of the time of looking for each part.
            self._write(some[np.argsort(part_of, kind="stable")])
            for part, size in enumerate(np.bincount(part_of).tolist()):
                if size:
                    self._runs[part].append(_Run(self._end, size, widths))
                    self._end += size * NUMBER_BYTES

    def _write(self, numbers: Numbers) -> None:
        self._file.seek(self._end)
        left = numbers.data.cast("B")
        while left:
            left = left[self._file.write(left) :]

    def size(self, part: int) -> int:
        """Return how many numbers a part has."""
        return sum(run.size for run in self._runs[part])

    def read(self, part: int, space: Numbers) -> Iterator[tuple[Numbers, Widths]]:
        """Fill a space with a part's numbers; yield those of each form that they were added in. Raises `OSError`."""
        start = 0
        for offset, size, widths in self._runs[part]:
            numbers = space[start : start + size]
            self._file.seek(offset)
            left = numbers.data.cast("B")
            while left:
                read = self._file.readinto(left)
                if not read:
                    raise OSError("it has become shorter")
                left = left[read:]
            yield numbers, widths
            start += size
