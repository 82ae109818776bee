"""Encodes an export: its rows in one of the formats, compressed if the client accepts it."""

import asyncio
import zlib
from collections.abc import Sequence

from rest.exports.formats import Columns, Format

# As for GraphQL's responses, see `graph.http.responses`.
GZIP_LEVEL, GZIP_WINDOW = 3, 15 + 16
# From this size on, compressing takes longer than handing it to a thread.
LARGE_BYTES = 16 * 1024


class ExportEncoder:
    """Encodes the rows of one export. `head` is what comes before them."""

    def __init__(self, format: Format, column_names: Sequence[str], *, is_compressed: bool) -> None:
        self.head, self._encode = format.begin(tuple(column_names))
        self._gzip = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW) if is_compressed else None
        if self._gzip is not None:
            self.head = self._gzip.compress(self.head)

    def rows(self, columns: Columns) -> bytes:
        """Return some rows, given the values of each column."""
        return self._encode(columns)

    async def compressed(self, encoded: bytes) -> bytes:
        """Return what is sent of encoded rows. Everything sent so far can be decompressed, so that a client whose
        export is broken off has the rows that it received."""
        if self._gzip is None:
            return encoded
        if len(encoded) <= LARGE_BYTES:
            return _compress(self._gzip, encoded)
        return await asyncio.to_thread(_compress, self._gzip, encoded)

    def finish(self) -> bytes:
        """Return what comes after the rows."""
        return b"" if self._gzip is None else self._gzip.flush()


def _compress(gzip: "zlib._Compress", encoded: bytes) -> bytes:
    return gzip.compress(encoded) + gzip.flush(zlib.Z_SYNC_FLUSH)
