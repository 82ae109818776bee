"""Whether the process lives, and whether it can take clicks: for load balancers and orchestrators."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.errors import DatabaseAway
from graph.context import Services

# A load balancer asks every few seconds; a database that needs longer is not there for a visitor either.
PING_SECONDS = 2


async def healthz(_request: Request) -> Response:
    """Answer 200 as long as the process can answer at all."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Answer 200 if a click would be taken now, else 503; the body tells which part is not ready."""
    services: Services = request.state.services
    parts = {
        "database": "ok" if await _answers(services) else "away",
        "queue": "full" if services.writer.is_full else "ok",
    }
    ready = all(state == "ok" for state in parts.values())
    body = {"status": "ready" if ready else "not ready", **parts}
    return JSONResponse(body, 200 if ready else 503, headers=None if ready else {"Retry-After": "2"})


async def _answers(services: Services) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await services.store.ping()
    except (DatabaseAway, TimeoutError):
        return False
    return True
