"""The messages that a client may send over graphql-transport-ws, and the token in the first of them.

Strawberry takes their shapes for granted; here they are checked, so that a wrong one closes the socket with a reason.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from graph.http.caller import bearer
from graph.http.requests import RequestPayload

# Clients number their operations or give them a UUID.
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class Init(Struct, tag="connection_init"):
    """The first message."""

    payload: dict[str, Any] | None = None


class Ping(Struct, tag="ping"):
    """A question whether the other end lives."""

    payload: dict[str, Any] | None = None


class Pong(Struct, tag="pong"):
    """Its answer."""

    payload: dict[str, Any] | None = None


class Complete(Struct, tag="complete"):
    """The end of an operation that the client no longer wants."""

    id: Id


class Subscribe(Struct, tag="subscribe"):
    """An operation of any kind."""

    id: Id
    payload: RequestPayload


Message: TypeAlias = Init | Ping | Pong | Complete | Subscribe


def read(message: object) -> Message:
    """Return a message. Raises msgspec's `ValidationError`, which says what is wrong."""
    understood: Message = msgspec.convert(message, Message)
    return understood


def token(payload: dict[str, Any]) -> str | None:
    """Return the secret in a `connection_init` payload, wherever a client puts it: in `Authorization` as in the header,
    which may be among `headers`; or bare, in `token` or `authToken`.

    Raises `Unauthenticated` for one that cannot be a token.
    """
    headers = payload.get("headers")
    for fields in (payload, headers if isinstance(headers, dict) else {}):
        for name, value in fields.items():
            if value is not None and name.lower() == "authorization":
                return bearer(str(value))
    for name in ("token", "authToken"):
        if (value := payload.get(name)) is not None:
            return bearer(f"Bearer {value}")
    return None
