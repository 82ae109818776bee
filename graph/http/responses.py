"""GraphQL responses over HTTP: status, headers and body, compressed if the client accepts it.

Status codes follow the GraphQL-over-HTTP draft.
"""

import asyncio
import zlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import Send
from strawberry.types.execution import ExecutionResult, PreExecutionError

from graph.domain.errors import BodyTooLarge, ClickgateError, EncodingUnknown, InvalidRequest, TryLater, Unauthenticated
from graph.execution.error_presentation import MASKED, extensions_of
from graph.execution.metrics import count_error
from graph.http.content_negotiation import GRAPHQL, JSON
from graph.http.requests import UnreadableType

# Fewer bytes fit into one packet uncompressed.
SMALL_BYTES = 1024
# From this size on, compressing takes a millisecond or more, and starting a thread a tenth of one.
LARGE_BYTES = 128 * 1024
# Levels 1 to 3 take the same time: level 3 compresses a page of a hundred rows to a quarter in 0.1 ms. Level 6 takes
# twice as long to save another tenth, and level 9 four times as long.
GZIP_LEVEL = 3
# zlib's largest window, plus 16 for the gzip header.
GZIP_WINDOW = 15 + 16


class MethodNotAllowed(InvalidRequest):
    """The HTTP method is not allowed, at all or for this operation."""

    def __init__(self, problem: str, *allowed: str) -> None:
        super().__init__(problem)
        self.allowed = ", ".join(allowed)


class NotAcceptable(InvalidRequest):
    """The client accepts none of the media types of GraphQL responses."""

    message = f"Responses are available as {GRAPHQL} or {JSON}"


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """A response that has not been sent yet."""

    status: int
    body: dict[str, Any] | None = None
    media: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, send: Send, headers: dict[str, str], *, may_compress: bool = False) -> None:
        """Send the response, with additional headers."""
        body = b"" if self.body is None else msgspec.json.encode(self.body)
        headers = self.headers | headers
        if may_compress and len(body) > SMALL_BYTES:
            body = await asyncio.to_thread(_compressed, body) if len(body) > LARGE_BYTES else _compressed(body)
            headers["Content-Encoding"] = "gzip"
        if self.body is not None:
            headers |= {"Content-Type": f"{self.media}; charset=utf-8", "Content-Length": str(len(body))}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def _compressed(body: bytes) -> bytes:
    return zlib.compress(body, GZIP_LEVEL, GZIP_WINDOW)


def result_response(result: ExecutionResult, media: str) -> GraphQLResponse:
    """Return the response to a well-formed request.

    The newer media type has a 4xx or 5xx status if nothing was executed. Plain JSON has 200 either way, for clients
    that expect nothing else.
    """
    errors = [error.formatted for error in result.errors or ()]
    body: dict[str, Any] = {"errors": errors} if errors else {}
    status = 200
    if not isinstance(result, PreExecutionError):
        body["data"] = result.data
    elif any(error["extensions"]["code"] == "INTERNAL" for error in errors):
        status = 500
    elif media == GRAPHQL:
        status = 400
    if result.extensions:
        body["extensions"] = result.extensions
    return GraphQLResponse(status, body, media)


def error_response(error: Exception, media: str) -> GraphQLResponse:
    """Return the response to a request that was rejected before it was decoded."""
    message = str(error) if isinstance(error, ClickgateError) else MASKED
    extensions = extensions_of(error)
    count_error(extensions["code"])
    body = {"errors": [{"message": message, "extensions": extensions}]}
    status, headers = _status(error)
    return GraphQLResponse(status, body, media, headers)


def _status(error: Exception) -> tuple[int, dict[str, str]]:
    match error:
        case Unauthenticated():
            return 401, {"WWW-Authenticate": "Bearer"}
        case TryLater():
            return 503, {"Retry-After": str(error.retry_after)}
        case MethodNotAllowed():
            return 405, {"Allow": error.allowed}
        case NotAcceptable():
            return 406, {}
        case BodyTooLarge():
            return 413, {}
        case EncodingUnknown():
            return 415, {"Accept-Encoding": error.accepted}
        case UnreadableType():
            return 415, {}
        case InvalidRequest():
            return 400, {}
    return 500, {}
