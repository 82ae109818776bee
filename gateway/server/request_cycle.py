"""A request and its response on a connection, based on uvicorn's cycle, with responses sent in a single write.

uvicorn writes head and body separately and validates every head again, which used to be the largest part of a click's
work. Responses in several parts, and those that the access log records, still go through uvicorn's code.
"""

from functools import lru_cache
from typing import NamedTuple

from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent, HTTPResponseStartEvent
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

from rest.endpoint import BREAK_OFF

# Most responses have one of a few sets of headers, which differ in the length and the date.
CACHED_HEADS = 1024
# RFC 9110, section 8.6: these statuses have no content and no Content-Length.
EMPTY = {204, 304}


class RequestCycle(RequestResponseCycle):
    """A request in progress, with the `send` that the application calls."""

    _head: HTTPResponseStartEvent | None = None
    is_stopping = False

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message  # sent together with the body
            return
        head, self._head = self._head, None
        if head is None:
            await self._send_part(message)
        elif message["type"] != "http.response.body" or message.get("more_body") or self.access_log:
            await super().send(head)
            await self._send_part(message)
        else:
            if self.flow.write_paused and not self.disconnected:
                await self.flow.drain()
            if not self.disconnected:
                self._send_whole(head, message)

    async def _send_part(self, message: ASGISendEvent) -> None:
        # While the gateway stops, a body of unknown length is not waited for.
        if message["type"] == BREAK_OFF or (self.is_stopping and self.chunked_encoding):
            self.break_off()
        else:
            await super().send(message)

    def stop(self) -> None:
        """Finish the response soon, because the gateway stops: break off a body of unknown length, which could take
        minutes."""
        self.is_stopping = True
        if self.chunked_encoding and not self.response_complete:
            self.break_off()

    def break_off(self) -> None:
        """Close the connection without the last chunk of the body, so that the client notices. The application sees a
        client that has disconnected."""
        self.disconnected = True
        self.message_event.set()
        self.flow.resume_writing()  # wakes an application that waits for the client
        self.transport.close()

    def _send_whole(self, start: HTTPResponseStartEvent, message: HTTPResponseBodyEvent) -> None:
        body, status = message.get("body", b""), start["status"]
        head = _head(status, (*self.default_headers, *start["headers"]))
        self.keep_alive = self.keep_alive and not head.closes
        parts = [head.lines]
        if head.length is None and status not in EMPTY:
            parts.append(b"content-length: %d\r\n" % len(body))
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        if self.scope["method"] != "HEAD":
            if head.length not in (None, len(body)):
                raise RuntimeError(f"response body has {len(body)} bytes, but Content-Length is {head.length}")
            parts.append(body)
        self.waiting_for_100_continue = False
        self.response_started = self.response_complete = True
        self.transport.write(b"".join(parts))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class ResponseHead(NamedTuple):
    """A response head: its lines except for `connection`, its Content-Length, and whether it closes the connection."""

    lines: bytes
    length: int | None
    closes: bool


@lru_cache(CACHED_HEADS)
def _head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> ResponseHead:
    lines, length, closes = [STATUS_LINE[status]], None, False
    for name, value in headers:
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise RuntimeError(f"invalid response header: {name!r}")
        if name == b"connection" and b"close" in value.lower():
            closes = True
            continue
        if name == b"content-length":
            length = int(value)
        lines.append(b"%b: %b\r\n" % (name, value))
    return ResponseHead(b"".join(lines), length, closes)
