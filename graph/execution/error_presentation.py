"""What a client sees of an error.

What a resolver says no with is told as it is, with a code. Anything else that goes wrong while a query is executed was
not foreseen: it is logged with its traceback under an id, and the client sees that id and nothing of the rest.
"""

import logging
from typing import Any
from uuid import uuid4

from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.utils.str_converters import to_camel_case

from db.errors import ClickFailed
from graph.domain.errors import ClickgateError, Forbidden, RateLimited, TooComplex, TryLater, Unauthenticated
from graph.execution.metrics import count_error
from graph.execution.requests import PersistedQueryNotSupported

logger = logging.getLogger(__name__)

MASKED = "Something went wrong"
# Some messages quote the document, which may be one long name.
MESSAGE_LENGTH = 500
NOT_NONE = "not to be None."
# A place of the document for each of a name's first uses.
MOST_LOCATIONS = 10
# What Strawberry raises about the operation that was asked for.
UNANSWERABLE = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


def presented(error: GraphQLError) -> GraphQLError:
    """Return an error as a client may see it, having logged it if it was not foreseen."""
    cause = _cause(error)
    if isinstance(cause, ClickgateError):
        return _replaced(error, cause.worded(to_camel_case), extensions_of(cause))
    if cause is None:
        return _replaced(error, _in_graphql(error.message), {"code": "BAD_USER_INPUT"})
    return _replaced(error, MASKED, extensions_of(cause))


def _in_graphql(message: str) -> str:
    """Return what the library says of a null, which it calls by Python's name; other values it quotes as sent."""
    words = message.removesuffix(NOT_NONE)
    return message if words == message else f"{words}not to be null."


def presented_refusal(refusal: ClickgateError) -> GraphQLError:
    """Return the error for a request that was refused before there was a document."""
    return presented(GraphQLError(str(refusal), original_error=refusal))


def extensions_of(error: Exception) -> dict[str, Any]:
    """Return what a program learns of an error: its `code`, and what belongs to it. Logs an unforeseen one."""
    match error:
        case Unauthenticated():
            return {"code": "UNAUTHENTICATED"}
        case Forbidden():
            return {"code": "FORBIDDEN"}
        case TooComplex():
            limit = {"name": error.limit, "requested": error.requested, "maximum": error.maximum}
            return {"code": "TOO_COMPLEX", "limit": limit}
        case RateLimited():
            return {"code": "RATE_LIMITED", "retryAfter": error.retry_after}
        case TryLater():
            return {"code": "UNAVAILABLE", "retryAfter": error.retry_after}
        case PersistedQueryNotSupported():
            return {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}
        case ClickgateError():
            return {"code": "BAD_USER_INPUT"}
        case ClickFailed():
            return {"code": "INTERNAL", "fault": error.fault}
    fault = uuid4().hex
    logger.error("GraphQL request failed", exc_info=error, extra={"fault": fault})
    return {"code": "INTERNAL", "fault": fault}


def _cause(error: GraphQLError) -> Exception | None:
    """Return what an error comes from, unless it is GraphQL's own refusal of what was sent.

    GraphQL's own errors name a place in the document or a variable. One that does not, though it arose in a field, says
    that a resolver returned what its type cannot hold.
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
    # To find the places again in the document would take much longer.
    replaced.locations = list(dict.fromkeys(error.locations or ()))[:MOST_LOCATIONS] or None
    return replaced
