"""The click endpoint, `POST /api/v1/track/click`: decodes a visit, tracks it, and encodes the result.

It is a plain ASGI application without middleware, for speed. Every response has the CORS headers, including errors.
"""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from uuid import uuid4

from msgspec import Struct
from msgspec.json import encode
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from db.errors import RecordFailed
from graph.domain import clicks
from graph.domain.context import Services
from graph.domain.errors import (
    BodyTooLarge,
    ClickgateError,
    EncodingUnknown,
    InvalidRequest,
    LinkInactive,
    RateLimited,
    TryLater,
)
from graph.execution.turns import Turns
from graph.http.body import read_body
from graph.http.caller import caller
from rest.responses import ClickRecorded, ClickRefused, Problem, TestEvent, TestRecorded
from rest.visit_body import decode_visit

logger = logging.getLogger(__name__)

PATH = "/api/v1/track/click"
METHODS = "POST, OPTIONS"
# The tracker's bodies are much smaller. Decoding a larger one takes longer than the rest of a click.
LARGE_BYTES = 8 * 1024
CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Retry-After, Clickgate-Fault"),
)
JSON = (b"content-type", b"application/json")
PREFLIGHT = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Content-Type, *",
    "Access-Control-Max-Age": "86400",
}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class ClickResponse(NamedTuple):
    """A response to be sent, and the outcome to count it as."""

    outcome: str
    status: int
    body: Struct | None = None
    headers: Mapping[str, str] = NO_HEADERS


class ClickEndpoint:
    """The endpoint's ASGI application. It takes the process's services from the lifespan state."""

    def __init__(self) -> None:
        self._large_bodies = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        services: Services = scope["state"]["services"]
        try:
            answer = await _answer(services, scope, receive, self._large_bodies)
        except ClientDisconnect:
            return
        services.count(answer.outcome)
        await _send(answer, send)


async def _answer(services: Services, scope: Scope, receive: Receive, large_bodies: Turns) -> ClickResponse:
    match scope["method"]:
        case "POST":
            return await _track(services, scope, receive, large_bodies)
        case "OPTIONS":
            return ClickResponse("preflight", 204, headers=PREFLIGHT)
    return ClickResponse(
        "method_not_allowed", 405, Problem("Method not allowed", "method_not_allowed"), {"Allow": METHODS}
    )


async def _track(services: Services, scope: Scope, receive: Receive, large_bodies: Turns) -> ClickResponse:
    context = caller(services, scope)
    try:
        services.charge(context.client_address)
        body = await read_body(scope, receive)
        if len(body) > LARGE_BYTES:
            await large_bodies.take(receive)
        visit, unreadable = decode_visit(body)
        tracked = await clicks.track(context, visit, unreadable)
    except ClientDisconnect:
        raise
    except LinkInactive as refusal:
        return ClickResponse(refusal.code, 200, ClickRefused(False, str(refusal)))
    except ClickgateError as refusal:
        return _refused(refusal)
    except RecordFailed as failure:
        return _failed(failure.fault)
    except Exception:
        fault = uuid4().hex
        logger.exception("click tracking failed", extra={"fault": fault})
        return _failed(fault)
    return _tracked(tracked)


def _tracked(tracked: clicks.TrackedClick | clicks.TrackedTest) -> ClickResponse:
    if isinstance(tracked, clicks.TrackedTest):
        event = TestEvent(tracked.event_id, tracked.program_id, True)
        return ClickResponse("test", 200, TestRecorded(True, "Test click event tracked successfully", event))
    recorded = ClickRecorded(True, tracked.click_id, tracked.partner_code, tracked.cookie_window_days)
    return ClickResponse("replayed" if tracked.replayed else "recorded", 200, recorded)


def _refused(refusal: ClickgateError) -> ClickResponse:
    body = Problem(str(refusal), refusal.code)
    match refusal:
        case RateLimited():
            return ClickResponse(refusal.code, 429, body, {"Retry-After": str(refusal.retry_after)})
        case TryLater():
            return ClickResponse(refusal.code, 503, body, {"Retry-After": str(refusal.retry_after)})
        case BodyTooLarge():
            return ClickResponse(refusal.code, 413, body)
        case EncodingUnknown():
            return ClickResponse(refusal.code, 415, body, {"Accept-Encoding": refusal.accepted})
        case InvalidRequest():
            return ClickResponse(refusal.code, 400, body)
    raise refusal


def _failed(fault: str) -> ClickResponse:
    return ClickResponse("fault", 500, Problem("Click tracking failed", "fault"), {"Clickgate-Fault": fault})


async def _send(answer: ClickResponse, send: Send) -> None:
    headers = [*CORS]
    if answer.headers:
        headers += ((name.lower().encode(), value.encode()) for name, value in answer.headers.items())
    body = b""
    if answer.body is not None:
        body = encode(answer.body)
        headers += JSON, (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
