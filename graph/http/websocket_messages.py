"""The messages that clients may send over graphql-transport-ws, and the token in the first one.

Strawberry does not validate them; here, a malformed message closes the connection with a reason.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from graph.http.caller import bearer
from graph.http.requests import RequestPayload

# Clients use numbers or UUIDs.
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class Init(Struct, tag="connection_init"):
    """The first message of a connection."""

    payload: dict[str, Any] | None = None


class Ping(Struct, tag="ping"):
    """A check whether the other side is alive."""

    payload: dict[str, Any] | None = None


class Pong(Struct, tag="pong"):
    """The reply to a ping."""

    payload: dict[str, Any] | None = None


class Complete(Struct, tag="complete"):
    """Cancels an operation."""

    id: Id


class Subscribe(Struct, tag="subscribe"):
    """Starts an operation of any kind."""

    id: Id
    payload: RequestPayload


Message: TypeAlias = Init | Ping | Pong | Complete | Subscribe


def read(message: object) -> Message:
    """Return a decoded message. Raises msgspec's `ValidationError`, which says what is wrong."""
    understood: Message = msgspec.convert(message, Message)
    return understood


def token(payload: dict[str, Any]) -> str | None:
    """Return the secret in a `connection_init` payload: in `Authorization` as in the header, possibly nested under
    `headers`, or bare in `token` or `authToken`.

    Raises `Unauthenticated` for a value that cannot be a token.
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
