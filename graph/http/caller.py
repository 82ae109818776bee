"""Identifies the caller of a request by its connection, headers, and its token or session.

A token that is sent must be valid: a caller with an invalid one is rejected rather than treated as anonymous. Browsers
add the cookie of a session by themselves, so one that does not count is as if it were not there.
"""

import re
from typing import NamedTuple

from msgspec.structs import replace
from starlette.types import Scope

from graph.domain import sessions
from graph.domain.context import Context, Services
from graph.domain.errors import Unauthenticated, outages
from graph.http.session_cookie import own_session
from graph.http.token_characters import TOKEN

# RFC 6750, section 2.1: the header that carries a token.
BEARER = re.compile(rf"bearer +({TOKEN.pattern}) *", re.IGNORECASE)


class Credential(NamedTuple):
    """A secret that identifies the caller: a token's or a session's."""

    secret: str
    is_session: bool = False


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


def token_in(scope: Scope) -> Credential | None:
    """Return the token in a request's headers. Raises `Unauthenticated` for a value that cannot be one."""
    authorization = header(scope, b"authorization")
    return None if authorization is None else Credential(bearer(authorization))


def credential(scope: Scope) -> Credential | None:
    """Return the token in a request's headers or else, if it comes from one of the gateway's own pages, the session of
    its cookie. Raises `Unauthenticated` for a value that cannot be a token."""
    if (token := token_in(scope)) is not None:
        return token
    secret = own_session(scope)
    return None if secret is None else Credential(secret, is_session=True)


async def identified(context: Context, credential: Credential | None) -> Context:
    """Return the context with the viewer that the credential belongs to, or without one for a session that has ended.
    Raises `Unauthenticated` for an invalid token, `DatabaseAway`."""
    if credential is None:
        return context
    with outages():
        if credential.is_session:
            return replace(context, viewer=await sessions.holder(context, credential.secret))
        viewer = await context.services.authenticate(credential.secret)
    if viewer is None:
        raise Unauthenticated
    return replace(context, viewer=viewer)
