"""Prepares errors for clients.

Errors of the domain are reported as they are, with a code. Any other exception during execution is unexpected: it is
logged with its traceback under an id, and the client sees only that id.
"""

import logging
from typing import Any
from uuid import uuid4

from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.utils.str_converters import to_camel_case

from db.errors import RecordFailed
from graph.domain.errors import (
    ClickgateError,
    Forbidden,
    RateLimited,
    ReportTooLarge,
    TooComplex,
    TryLater,
    Unauthenticated,
)
from graph.execution.metrics import count_error
from graph.execution.requests import PersistedQueryNotSupported

logger = logging.getLogger(__name__)

MASKED = "Something went wrong"
# Some messages quote the document, which may consist of one long name.
MESSAGE_LENGTH = 500
NOT_NONE = "not to be None."
# Some errors point to every use of a name.
MOST_LOCATIONS = 10
# What Strawberry raises if the requested operation does not exist or is not allowed.
UNANSWERABLE = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


def presented(error: GraphQLError) -> GraphQLError:
    """Return an error as a client may see it, logging it if it is unexpected."""
    cause = _cause(error)
    if isinstance(cause, ClickgateError):
        return _replaced(error, cause.worded(to_camel_case), extensions_of(cause))
    if cause is None:
        return _replaced(error, _in_graphql(error.message), {"code": "BAD_USER_INPUT"})
    return _replaced(error, MASKED, extensions_of(cause))


def _in_graphql(message: str) -> str:
    """Return the library's message about a null, which it calls None. It quotes all other values as they were sent."""
    words = message.removesuffix(NOT_NONE)
    return message if words == message else f"{words}not to be null."


def presented_refusal(refusal: ClickgateError) -> GraphQLError:
    """Return the error for a request that was rejected before its document was read."""
    return presented(GraphQLError(str(refusal), original_error=refusal))


def extensions_of(error: Exception) -> dict[str, Any]:
    """Return an error's `extensions`: its code and related values. Logs unexpected errors."""
    match error:
        case Unauthenticated():
            return {"code": "UNAUTHENTICATED"}
        case Forbidden():
            return {"code": "FORBIDDEN"}
        case TooComplex():
            limit = {"name": error.limit, "requested": error.requested, "maximum": error.maximum}
            return {"code": "TOO_COMPLEX", "limit": limit}
        case ReportTooLarge():
            return {"code": "TOO_COMPLEX"}
        case RateLimited():
            return {"code": "RATE_LIMITED", "retryAfter": error.retry_after}
        case TryLater():
            return {"code": "UNAVAILABLE", "retryAfter": error.retry_after}
        case PersistedQueryNotSupported():
            return {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}
        case ClickgateError():
            return {"code": "BAD_USER_INPUT"}
        case RecordFailed():
            return {"code": "INTERNAL", "fault": error.fault}
    fault = uuid4().hex
    logger.error("GraphQL request failed", exc_info=error, extra={"fault": fault})
    return {"code": "INTERNAL", "fault": fault}


def _cause(error: GraphQLError) -> Exception | None:
    """Return the exception that caused an error, or None if GraphQL itself rejected the request.

    GraphQL's own errors refer to a node of the document or to a variable. One that has a path but no node means that a
    resolver returned a value that does not fit its type.
    """
    inner = error.original_error
    if not isinstance(inner, GraphQLError):
        return None if isinstance(inner, UNANSWERABLE) else inner
    while isinstance(inner.original_error, GraphQLError):
        inner = inner.original_error
    if isinstance(inner.original_error, ClickgateError):
        return inner.original_error
    return inner if error.path is not None and inner.nodes is None else None


def _replaced(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    count_error(extensions["code"])
    replaced = GraphQLError(message[:MESSAGE_LENGTH], path=error.path, extensions=extensions)
    # Finding the locations in the document again would take much longer.
    replaced.locations = list(dict.fromkeys(error.locations or ()))[:MOST_LOCATIONS] or None
    return replaced
