"""Whether the process lives, and whether it can take clicks: for load balancers and orchestrators."""

import asyncio
import math
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.errors import DatabaseAway
from graph.context import Services

# Anyone may ask; each time costs the database a write.
ASK_SECONDS = 1
# A database that needs longer is not there for a visitor either.
WRITE_SECONDS = 2


async def healthz(_request: Request) -> Response:
    """Answer 200 as long as the process can answer at all."""
    return JSONResponse({"status": "ok"})


class Readiness:
    """Whether a click would be taken now, found out at most once a second, however often it is asked."""

    def __init__(self) -> None:
        self._asked_at = -math.inf
        self._asking: asyncio.Task[bool] | None = None

    async def answer(self, request: Request) -> Response:
        """Answer 200 if a click would be taken now, else 503; the body tells which part is not ready."""
        services: Services = request.state.services
        parts = {
            "database": "ok" if await self._is_writable(services) else "away",
            "queue": "full" if services.writer.is_full else "ok",
        }
        ready = all(state == "ok" for state in parts.values())
        body = {"status": "ready" if ready else "not ready", **parts}
        return JSONResponse(body, 200 if ready else 503, headers=None if ready else {"Retry-After": "2"})

    async def _is_writable(self, services: Services) -> bool:
        if self._asking is None or (self._asking.done() and monotonic() - self._asked_at > ASK_SECONDS):
            self._asked_at = monotonic()
            self._asking = asyncio.create_task(_takes_a_write(services))
        # A write that takes too long is left to end by itself: cancelling it may take as long again.
        done, _ = await asyncio.wait({self._asking}, timeout=WRITE_SECONDS)
        return bool(done) and self._asking.result()


async def _takes_a_write(services: Services) -> bool:
    try:
        await services.store.probe()
    except DatabaseAway:
        return False
    return True
