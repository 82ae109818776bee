"""Responses to what cannot be parsed as a request or exceeds a limit, after which the connection is closed.

They are written to the socket directly, because there is no request for the application to answer.
"""

from msgspec.json import encode
from uvicorn.protocols.http.httptools_impl import STATUS_LINE


def refusal(status: int, problem: str) -> bytes:
    """Return a complete response with a status and a JSON body, which announces that the connection closes."""
    body = encode({"error": problem})
    return b"%bcontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
        STATUS_LINE[status],
        len(body),
        body,
    )


class DiscardingParser:
    """Replaces the parser of a connection that is about to close, and discards its input."""

    def feed_data(self, data: bytes | memoryview) -> None:
        pass
