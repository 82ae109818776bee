"""Taking locks while gateways run: whoever waits for a lock keeps those waiting that come after it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from db.engine.backend.driver_errors import CONFLICT, LOCKED
from db.errors import DatabaseUnavailable

LOCK_SECONDS = 0.5
LIMIT_WAITING = f"SET LOCAL lock_timeout = {round(1000 * LOCK_SECONDS)}"
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8
PATIENCE_SECONDS = 600


async def patiently(step: Callable[[], Awaitable[None]], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Take a step that waits for its locks for a moment only, as by `LIMIT_WAITING`. Take it again as long as others
    hold them, or wait for such as it holds, ever less often."""
    deadline, pause = monotonic() + seconds, PAUSE_SECONDS
    while True:
        try:
            return await step()
        except DatabaseUnavailable as error:
            if error.reason not in (LOCKED.reason, CONFLICT.reason) or monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
