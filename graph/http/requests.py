"""Decodes GraphQL requests from bodies and query strings.

Anything malformed raises `MalformedRequest`, whose message names the field.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope

from graph.domain.errors import InvalidRequest
from graph.execution.requests import GraphQLRequest, PersistedQueryNotSupported
from graph.execution.turns import Turns
from graph.http.body import read_body
from graph.http.caller import header
from graph.http.content_negotiation import is_readable

JSON_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
TYPE = re.compile(rf"\b({'|'.join(JSON_TYPES)})\b")


class MalformedRequest(InvalidRequest):
    """The input is not a GraphQL request."""


class UnreadableType(InvalidRequest):
    """The media type of the body is not supported."""

    message = "The body must be application/json, encoded in UTF-8"


class RequestPayload(Struct, frozen=True, rename="camel"):
    """A GraphQL request as clients send it."""

    query: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None

    def request(self) -> GraphQLRequest:
        """Return the request. Raises `PersistedQueryNotSupported`, and `MalformedRequest` without a query."""
        if not self.query and self.extensions and isinstance(self.extensions.get("persistedQuery"), dict):
            raise PersistedQueryNotSupported
        if self.query is None:
            raise MalformedRequest("A GraphQL request must have a query")
        return GraphQLRequest(self.query, self.variables, self.operation_name)


_decode = msgspec.json.Decoder(RequestPayload).decode


async def posted(scope: Scope, receive: Receive, turns: Turns) -> GraphQLRequest:
    """Return the request in a body, once it is the caller's turn. Raises `UnreadableType`, `MalformedRequest`,
    `PersistedQueryNotSupported`, and what `read_body` raises."""
    if not is_readable(header(scope, b"content-type")):
        raise UnreadableType
    body = await read_body(scope, receive)
    await turns.take(receive)
    try:
        sent = _decode(body)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"The body is not a valid GraphQL request: {problem(error)}") from error
    return sent.request()


async def queried(scope: Scope, receive: Receive, turns: Turns) -> GraphQLRequest:
    """Return the request in a query string, where `variables` and `extensions` are JSON, once it is the caller's turn.
    Raises `MalformedRequest`, `PersistedQueryNotSupported`, and `ClientDisconnect`."""
    await turns.take(receive)
    fields: dict[str, Any] = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    try:
        for name in ("variables", "extensions"):
            if name in fields:
                fields[name] = msgspec.json.decode(fields[name]) if fields[name] else None
        sent = msgspec.convert(fields, RequestPayload)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"The query string is not a valid GraphQL request: {problem(error)}") from error
    return sent.request()


def problem(error: Exception) -> str:
    """Return a decoder's error message, with types called by their JSON names."""
    match error:
        case RecursionError():
            return "it is nested too deeply"
        case UnicodeDecodeError():
            return "it is not UTF-8"
    return re.sub(r"`[^$`][^`]*`", lambda types: TYPE.sub(lambda name: JSON_TYPES[name[0]], types[0]), str(error))
