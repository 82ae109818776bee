"""A request's body, read whole and at most so long: whatever a client announces, memory stays bounded."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from graph.errors import BodyTooLarge

BODY_BYTES = 64 * 1024


async def read_body(receive: Receive) -> bytes:
    """Return the body. Raises `BodyTooLarge` as soon as it is, `ClientDisconnect` when nobody waits any more."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)
