"""What all tracking endpoints share: methods, CORS, the size of bodies, errors and faults, and sending a response.

An endpoint is a plain ASGI application without middleware, for speed. Every response has the CORS headers, including
errors, unless the endpoint is for the gateway's own pages only.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Protocol, TypeAlias
from uuid import uuid4

from msgspec import Struct
from msgspec.json import encode
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from db.errors import RecordFailed
from graph.domain.context import Services
from graph.domain.conversion_errors import DuplicateTransaction, UnknownSale
from graph.domain.errors import (
    BodyTooLarge,
    ClickgateError,
    EncodingUnknown,
    Forbidden,
    InvalidRequest,
    RateLimited,
    TooManyExports,
    TryLater,
    Unauthenticated,
)
from graph.execution.turns import Turns
from rest.responses import DuplicateSale, Problem

logger = logging.getLogger(__name__)

# The tracker's bodies are much smaller. Decoding a larger one takes longer than the rest of a click.
LARGE_BYTES = 8 * 1024
Header: TypeAlias = tuple[bytes, bytes]
CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Retry-After, Clickgate-Fault"),
)
JSON = (b"content-type", b"application/json")
PREFLIGHT = {
    # The wildcard does not cover Authorization.
    "Access-Control-Allow-Headers": "Content-Type, Authorization, *",
    "Access-Control-Max-Age": "86400",
}
BREAK_OFF = "clickgate.response.break_off"
"""The type of the message that ends a response in the middle, by closing the connection: ASGI has none."""
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class BrokenOff(Exception):
    """A body cannot be completed. The log says why, unless the client has gone."""


class BodyStream(Protocol):
    """A body in parts, which are made while it is sent."""

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """Yield the parts. Raises `BrokenOff`."""

    def close(self) -> None:
        """Free what the stream holds, whether it was sent or not."""


class Response(NamedTuple):
    """A response to be sent, and the outcome to count it as. It has a body, a stream, or neither."""

    outcome: str
    status: int
    body: Struct | None = None
    headers: Mapping[str, str] = NO_HEADERS
    stream: BodyStream | None = None


class Endpoint(ABC):
    """The ASGI application of one endpoint. It takes the process's services from the lifespan state."""

    methods: ClassVar[Sequence[str]] = ("POST",)
    is_shared: ClassVar[bool] = True
    """Whether pages of other origins may use it."""
    failure: ClassVar[str]
    """The message of an unexpected error."""

    def __init__(self) -> None:
        self.large_bodies = Turns()
        methods = ", ".join((*self.methods, "OPTIONS"))
        allowed = {"Access-Control-Allow-Methods": methods, **PREFLIGHT} if self.is_shared else {"Allow": methods}
        self._preflight = Response("preflight", 204, headers=allowed)
        problem = Problem("Method not allowed", "method_not_allowed")
        self._not_allowed = Response("method_not_allowed", 405, problem, {"Allow": methods})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        services: Services = scope["state"]["services"]
        try:
            if scope["method"] in self.methods:
                response = await self._answer(services, scope, receive)
            else:
                response = self._preflight if scope["method"] == "OPTIONS" else self._not_allowed
        except ClientDisconnect:
            return
        self.count(services, response.outcome)
        await _send(response, send, CORS if self.is_shared else ())

    @abstractmethod
    async def track(self, services: Services, scope: Scope, receive: Receive) -> Response:
        """Answer a request with one of the methods. Raises `ClickgateError`, `RecordFailed`, `ClientDisconnect`."""

    @abstractmethod
    def count(self, services: Services, outcome: str) -> None:
        """Count a request by its outcome."""

    async def _answer(self, services: Services, scope: Scope, receive: Receive) -> Response:
        try:
            return await self.track(services, scope, receive)
        except ClientDisconnect:
            raise
        except ClickgateError as refusal:
            return self.refused(refusal)
        except RecordFailed as failure:
            return self.failed(failure.fault)
        except Exception:
            fault = uuid4().hex
            logger.exception("a tracking request failed", extra={"fault": fault})
            return self.failed(fault)

    def refused(self, refusal: ClickgateError) -> Response:
        """Return the response to a request that the domain refused."""
        return refused(refusal)

    def failed(self, fault: str) -> Response:
        """Return the response to a request that met an unexpected error, which the log has under an id."""
        return Response("fault", 500, Problem(self.failure, "fault"), {"Clickgate-Fault": fault})


def refused(refusal: ClickgateError) -> Response:
    """Return the response to a refused request. Raises the refusal if no endpoint should meet it."""
    body = Problem(str(refusal), refusal.code)
    match refusal:
        case RateLimited() | TooManyExports():
            return Response(refusal.code, 429, body, {"Retry-After": str(refusal.retry_after)})
        case TryLater():
            return Response(refusal.code, 503, body, {"Retry-After": str(refusal.retry_after)})
        case BodyTooLarge():
            return Response(refusal.code, 413, body)
        case EncodingUnknown():
            return Response(refusal.code, 415, body, {"Accept-Encoding": refusal.accepted})
        case Unauthenticated():
            return Response(refusal.code, 401, body, {"WWW-Authenticate": "Bearer"})
        case Forbidden():
            return Response(refusal.code, 403, body)
        case UnknownSale():
            return Response(refusal.code, 404, body)
        case DuplicateTransaction():
            duplicate = DuplicateSale(str(refusal), refusal.code, refusal.sale_id, refusal.commission_id)
            return Response(refusal.code, 409, duplicate)
        case InvalidRequest():
            return Response(refusal.code, 400, body)
    raise refusal


async def _send(response: Response, send: Send, cors: Sequence[Header]) -> None:
    headers = [*cors]
    if response.headers:
        headers += ((name.lower().encode(), value.encode()) for name, value in response.headers.items())
    body = b""
    if response.body is not None:
        body = encode(response.body)
        headers += JSON, (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    if response.stream is not None:
        await _send_stream(start, response.stream, send)
        return
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def _send_stream(start: Message, stream: BodyStream, send: Send) -> None:
    """Send a body in parts. If it cannot be completed, its last chunk is never sent, so the client notices."""
    try:
        async with aclosing(aiter(stream)) as parts:
            await send(start)
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
    except BrokenOff:
        await send({"type": BREAK_OFF})
    finally:
        stream.close()
