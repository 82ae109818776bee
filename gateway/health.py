"""Liveness and readiness endpoints for load balancers and orchestrators."""

import asyncio
import math
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.engine.backend.driver_errors import LOCKED, SILENT, UNREACHABLE
from db.errors import DatabaseUnavailable
from db.ingest.writer import Writer

# The endpoint is public, and each probe writes to the database, so probes are at least this far apart.
PROBE_INTERVAL_SECONDS = 1
# A visitor does not wait longer for a click, either.
PROBE_TIMEOUT_SECONDS = 2
# Reasons that say no more than `away` does.
PLAIN = {verdict.reason for verdict in (LOCKED, SILENT, UNREACHABLE)}


async def healthz(_request: Request) -> Response:
    """Answer 200 as long as the event loop runs."""
    return JSONResponse({"status": "ok"})


class Readiness:
    """Whether a click would be recorded now. Probes the database at most once a second, however many requests ask."""

    def __init__(self) -> None:
        self._probed_at = -math.inf
        self._probe: asyncio.Task[DatabaseUnavailable | None] | None = None

    async def answer(self, request: Request) -> Response:
        """Answer 200 if a click would be recorded now, else 503. The body says which part is not ready, and why."""
        writer: Writer = request.state.services.writer
        outage = await self._outage(writer)
        parts = {"database": "away" if outage else "ok", "queue": "full" if writer.is_full else "ok"}
        if outage is not None and outage.reason not in PLAIN:
            parts["reason"] = outage.reason
        if outage is None and not writer.is_full:
            return JSONResponse({"status": "ready", **parts})
        return JSONResponse({"status": "not ready", **parts}, 503, headers={"Retry-After": "2"})

    async def _outage(self, writer: Writer) -> DatabaseUnavailable | None:
        if writer.outage is not None:
            return writer.outage  # the writer itself notices when the outage ends
        probe = self._probe
        if probe is None or (probe.done() and monotonic() - self._probed_at > PROBE_INTERVAL_SECONDS):
            self._probed_at = monotonic()
            probe = self._probe = asyncio.create_task(_probed(writer))
        # A slow probe is not cancelled, because the writer is in the middle of a transaction.
        await asyncio.wait({probe}, timeout=PROBE_TIMEOUT_SECONDS)
        found = probe.result() if probe.done() else DatabaseUnavailable("no answer in time", SILENT.reason)
        # A batch may have failed in the meantime.
        return writer.outage or found


async def _probed(writer: Writer) -> DatabaseUnavailable | None:
    try:
        await writer.prove()
    except DatabaseUnavailable as outage:
        return outage
    return None
