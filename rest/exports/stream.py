"""The body of an export's response, which is read and encoded while it is sent.

The database works on the next page while this one is encoded and sent, and on no further one until the client has taken
this one. So a slow client holds a page in memory, but no connection of the database.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING

from starlette.types import Receive

from graph.domain.errors import ClickgateError
from graph.execution.turns import disconnected
from rest.endpoint import BrokenOff
from rest.exports.encoder import ExportEncoder
from rest.exports.metrics import EXPORTS, ROWS
from rest.exports.slots import Slot

if TYPE_CHECKING:  # slow to import
    from graph.exports.reader import Export, ExportedRows

logger = logging.getLogger(__name__)

# The first page is small, so that a download begins at once, and tells how large rows are.
FIRST_ROWS, MOST_ROWS, PAGE_BYTES = 50, 500, 256 * 1024
# Each part waits until the client has taken most of those before: a connection buffers little more than this.
PART_BYTES = 32 * 1024


class ExportStream:
    """The parts of a body. `begin` reads the first page; `close` ends the export, whatever became of it."""

    def __init__(self, name: str, export: "Export", encoder: ExportEncoder, slot: Slot, receive: Receive) -> None:
        self._name = name
        self._export = export
        self._encoder = encoder
        self._slot = slot
        self._receive = receive
        self._size = FIRST_ROWS
        self._row_count = 0
        self._outcome = "client_gone"
        self._first = b""
        self._ahead: asyncio.Task[Iterator[ExportedRows]] | None = None
        """Reads the next page, if there is one."""

    async def begin(self) -> None:
        """Read the first page. Raises as `Export.read` does."""
        self._first = self._encoder.head + await self._page()

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """Yield the parts of the body. Raises `BrokenOff` if it cannot be completed."""
        leaving = asyncio.create_task(disconnected(self._receive))
        try:
            for part in _parts(self._first):
                yield part
            self._first = b""
            while self._ahead is not None:
                if leaving.done():
                    raise BrokenOff
                for part in _parts(await self._next_page()):
                    yield part
            for part in _parts(self._encoder.finish()):
                yield part
            self._outcome = "complete"
        finally:
            leaving.cancel()

    def close(self) -> None:
        """Count the export, and give its slot back."""
        if self._ahead is not None:
            self._ahead.cancel()
        EXPORTS.labels(self._name, self._outcome).inc()
        self._slot.give_back()

    async def _next_page(self) -> bytes:
        try:
            return await self._page()
        except ClickgateError as error:
            logger.warning("an export of %s was broken off after %d rows: %s", self._name, self._row_count, error)
            self._outcome = "broken_off"
            raise BrokenOff from error
        except Exception as error:
            logger.exception("an export of %s failed after %d rows", self._name, self._row_count)
            self._outcome = "broken_off"
            raise BrokenOff from error

    async def _page(self) -> bytes:
        async with self._slot.working:
            encoded, row_count = bytearray(), 0
            slices = await (self._ahead or self._read())
            self._ahead = None if self._export.is_complete else self._read()
            for rows in slices:
                await asyncio.sleep(0)  # lets clicks in
                encoded += self._encoder.rows(rows.columns)
                row_count += rows.row_count
        self._row_count += row_count
        ROWS.labels(self._name).inc(row_count)
        if row_count:
            fitting = PAGE_BYTES * row_count // max(1, len(encoded))
            self._size = min(max(1, fitting), MOST_ROWS)
        return await self._encoder.compressed(bytes(encoded))

    def _read(self) -> "asyncio.Task[Iterator[ExportedRows]]":
        reading = asyncio.create_task(self._export.read(self._size), name="export")
        reading.add_done_callback(_retrieve)
        return reading


def _retrieve(reading: "asyncio.Task[Iterator[ExportedRows]]") -> None:
    """Keep an error that nobody waits for any more, because the client is gone, out of the log."""
    if not reading.cancelled():
        reading.exception()


def _parts(body: bytes) -> Iterator[bytes]:
    return (body[at : at + PART_BYTES] for at in range(0, len(body), PART_BYTES))
