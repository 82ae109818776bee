"""Identifies the caller of a request by its connection, headers and token.

A token that is sent must be valid: a caller with an invalid one is rejected rather than treated as anonymous.
"""

import re

from msgspec.structs import replace
from starlette.types import Scope

from graph.domain.context import Context, Services
from graph.domain.errors import Unauthenticated, outages

# RFC 6750, section 2.1: the characters of a token, and the header that carries it.
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
BEARER = re.compile(rf"bearer +({TOKEN.pattern}) *", re.IGNORECASE)


def caller(services: Services, scope: Scope) -> Context:
    """Return the context of a request or WebSocket, without a viewer yet."""
    client = scope.get("client")
    return Context(services, client[0] if client else None, header(scope, b"user-agent"))


def header(scope: Scope, lower_name: bytes) -> str | None:
    """Return the first header with this lower-case name."""
    for name, value in scope["headers"]:
        if name == lower_name:
            return bytes(value).decode(errors="replace")
    return None


def bearer(authorization: str) -> str:
    """Return the secret in an `Authorization` header. Raises `Unauthenticated` for any other scheme or format."""
    match = BEARER.fullmatch(authorization)
    if match is None:
        raise Unauthenticated
    return match[1]


async def identified(context: Context, secret: str | None) -> Context:
    """Return the context with the viewer that the token belongs to. Raises `Unauthenticated`, `DatabaseAway`."""
    if secret is None:
        return context
    with outages():
        viewer = await context.services.authenticate(secret)
    if viewer is None:
        raise Unauthenticated
    return replace(context, viewer=viewer)
