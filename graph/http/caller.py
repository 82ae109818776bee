"""Who sends a request: what the connection and the headers tell, and the token.

A token that is sent must be good: a caller who believes to be somebody is told, rather than shown an anonymous answer.
"""

import re

from msgspec.structs import replace
from starlette.types import Scope

from graph.domain.context import Context, Services
from graph.domain.errors import Unauthenticated, outages

# RFC 6750, section 2.1: what a token may be made of, and how it is sent.
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
BEARER = re.compile(rf"bearer +({TOKEN.pattern}) *", re.IGNORECASE)


def caller(services: Services, scope: Scope) -> Context:
    """Return the context of a request or a socket, without a viewer yet."""
    client = scope.get("client")
    return Context(services, client[0] if client else None, header(scope, b"user-agent"))


def header(scope: Scope, wanted: bytes) -> str | None:
    """Return a header, by its name in lower case; the first of several."""
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value).decode(errors="replace")
    return None


def bearer(authorization: str) -> str:
    """Return the secret in an `Authorization` header. Raises `Unauthenticated` for any other scheme or form."""
    match = BEARER.fullmatch(authorization)
    if match is None:
        raise Unauthenticated
    return match[1]


async def identified(context: Context, secret: str | None) -> Context:
    """Return the context with the viewer whose token this is. Raises `Unauthenticated`, `DatabaseUnavailable`."""
    if secret is None:
        return context
    with outages():
        viewer = await context.services.authenticate(secret)
    if viewer is None:
        raise Unauthenticated
    return replace(context, viewer=viewer)
