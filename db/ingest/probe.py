"""A write like those that are recorded, undone: the only question whose answer says that they would be recorded.

It runs on the writer's own connection and inserts, counts and reserves what they would, on the same tables and pages,
so that it meets whatever they would meet: a lock, a revoked permission, a damaged page, a missing table. Then it undoes
all of that and commits a change that leaves everything as it was, so that a full disk shows. What refers to a row that
does not exist yet, as a click to a link, cannot be tried; the rest is.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Dialect

from db.engine.backend.protocol import WriteConnection
from db.ingest.id_blocks import EVENTS, take_block
from db.ingest.recordable import Recorder

# Rows are locked for milliseconds; whatever holds a lock longer holds the writer up, too.
LOCK_SECONDS = 1


class Probe:
    """Tries what batches do on one connection, and leaves nothing behind."""

    def __init__(self, dialect: Dialect, recorders: Sequence[Recorder[Any, Any]]) -> None:
        self._shift = take_block(dialect)
        self._recorders = recorders

    async def run(self, connection: WriteConnection) -> None:
        """Return if everything can be recorded now. Raises what the driver does, in an open transaction."""
        await connection.begin(LOCK_SECONDS)
        await connection.command("SAVEPOINT probe")
        for recorder in self._recorders:
            await recorder.probe(connection, partial(self._shifted, connection))
        await connection.command("ROLLBACK TO SAVEPOINT probe")
        # Two changes: what stays the same need not be written at all.
        await self._shifted(connection, EVENTS, 1)
        await self._shifted(connection, EVENTS, -1)
        await connection.commit()

    async def _shifted(self, connection: WriteConnection, kind: str, size: int) -> int:
        """Move where the next block of ids begins; return where it began."""
        ((next_id,),) = await connection.fetch(self._shift, [(kind, size)])
        return int(next_id) - size
