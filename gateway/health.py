"""Whether the process lives, and whether it can take clicks: for load balancers and orchestrators."""

import asyncio
import math
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.engine.backend.driver_errors import LOCKED, SILENT, UNREACHABLE
from db.errors import DatabaseUnavailable
from db.ingest.writer import ClickWriter

# Anyone may ask; each time costs the database a write.
ASK_SECONDS = 1
# A database that needs longer is not there for a visitor either.
WRITE_SECONDS = 2
# What these say, `away` says too.
PLAIN = {verdict.reason for verdict in (LOCKED, SILENT, UNREACHABLE)}


async def healthz(_request: Request) -> Response:
    """Answer 200 as long as the process can answer at all."""
    return JSONResponse({"status": "ok"})


class Readiness:
    """Whether a click would be recorded now, found out at most once a second, however often it is asked."""

    def __init__(self) -> None:
        self._asked_at = -math.inf
        self._asking: asyncio.Task[DatabaseUnavailable | None] | None = None

    async def answer(self, request: Request) -> Response:
        """Answer 200 if a click would be recorded now, else 503; the body tells which part is not ready, and why."""
        writer: ClickWriter = request.state.services.writer
        outage = await self._outage(writer)
        parts = {"database": "away" if outage else "ok", "queue": "full" if writer.is_full else "ok"}
        if outage is not None and outage.reason not in PLAIN:
            parts["reason"] = outage.reason
        if outage is None and not writer.is_full:
            return JSONResponse({"status": "ready", **parts})
        return JSONResponse({"status": "not ready", **parts}, 503, headers={"Retry-After": "2"})

    async def _outage(self, writer: ClickWriter) -> DatabaseUnavailable | None:
        if writer.outage is not None:
            return writer.outage  # it finds out by itself when that is over
        asking = self._asking
        if asking is None or (asking.done() and monotonic() - self._asked_at > ASK_SECONDS):
            self._asked_at = monotonic()
            asking = self._asking = asyncio.create_task(_proven(writer))
        # What takes too long is left to end by itself: the click writer is in the middle of it.
        await asyncio.wait({asking}, timeout=WRITE_SECONDS)
        found = asking.result() if asking.done() else DatabaseUnavailable("no answer in time", SILENT.reason)
        # Since then a batch may have failed.
        return writer.outage or found


async def _proven(writer: ClickWriter) -> DatabaseUnavailable | None:
    try:
        await writer.prove()
    except DatabaseUnavailable as outage:
        return outage
    return None
