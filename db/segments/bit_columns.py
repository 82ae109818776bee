"""Numbers of 64 bits that have several columns: so many bits for each, the last ones for a click's flags."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.uint64]
Widths: TypeAlias = tuple[int, ...]
"""How many bits each column takes, but for the flags."""

FLAG_BITS, NUMBER_BITS, NUMBER_BYTES = 2, 64, 8
# Rows to handle at once, for which the processor's cache has space.
CHUNK_ROWS = 65_536


def chunks(numbers: Numbers) -> Iterator[Numbers]:
    """Yield numbers, so many at a time."""
    for start in range(0, len(numbers), CHUNK_ROWS):
        yield numbers[start : start + CHUNK_ROWS]


def pack(columns: Sequence[npt.NDArray[np.integer]], widths: Sequence[int], numbers: Numbers) -> None:
    """Fill numbers with columns that have so many bits each, the last of which are the flags."""
    for start in range(0, len(numbers), CHUNK_ROWS):
        chunk = numbers[start : start + CHUNK_ROWS]
        chunk[:] = columns[0][start : start + CHUNK_ROWS]
        for column, width in zip(columns[1:], (*widths[1:], FLAG_BITS), strict=True):
            chunk <<= np.uint64(width)
            chunk |= column[start : start + CHUNK_ROWS].astype(np.uint64, copy=False)


def repack(numbers: Numbers, widths: Widths, wider: Widths) -> None:
    """Make space for wider columns in numbers."""
    if widths != wider:
        for chunk in chunks(numbers):
            pack(unpacked(chunk, (*widths, FLAG_BITS)), wider, chunk)


def unpacked(numbers: Numbers, widths: Sequence[int]) -> Sequence[Numbers]:
    """Return the columns of numbers that have so many bits each."""
    columns: list[Numbers] = []
    for width in reversed(widths):
        columns.append(numbers & np.uint64((1 << width) - 1))
        numbers = numbers >> np.uint64(width)
    return columns[::-1]
