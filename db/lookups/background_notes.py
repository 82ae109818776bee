"""Notes that requests leave in memory, written to the database in the background.

They are hints, which nobody waits for: in an outage they are dropped.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from db.errors import DatabaseUnavailable
from db.tasks import end

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1


class BackgroundNotes(ABC):
    """Writes every second what was noted."""

    subject: ClassVar[str]
    """What is noted, for the log."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start writing in the background."""
        self._task = asyncio.create_task(self._write_regularly(), name=f"noting {self.subject}")

    async def close(self) -> None:
        """Stop writing."""
        if self._task is not None:
            await end(self._task)

    async def write(self) -> None:
        """Write what was noted. In an outage, it is dropped. Raises only unexpected errors."""
        async with self._lock:
            try:
                await self.flush()
            except DatabaseUnavailable:
                return

    @abstractmethod
    async def flush(self) -> None:
        """Write what was noted, one call at a time. Raises `DatabaseUnavailable`."""

    async def _write_regularly(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                await self.write()
            except Exception:
                logger.exception("noting %s failed", self.subject)
