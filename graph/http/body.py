"""Reads request bodies with a size limit.

Whatever a client announces, memory stays bounded.
"""

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from graph.domain.errors import BodyTooLarge
from graph.http.caller import header
from graph.http.content_encoding import decoder

BODY_BYTES = 64 * 1024


async def read_body(scope: Scope, receive: Receive, most_bytes: int = BODY_BYTES) -> bytes:
    """Return the decoded body. Raises `BodyTooLarge` as soon as the limit is exceeded, whether as sent or decoded;
    `EncodingUnknown`; `BodyUnreadable`; and `ClientDisconnect`."""
    coding = None if header(scope, b"content-encoding") is None else decoder(scope)
    chunks: list[bytes] = []
    size = sent = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        if coding is not None:
            sent += len(chunk)
            if sent > most_bytes:
                raise BodyTooLarge
            chunk = coding.decode(chunk, most_bytes - size)
        size += len(chunk)
        if size > most_bytes:
            raise BodyTooLarge
        if not message.get("more_body", False):
            if coding is not None:
                coding.finish()
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)
