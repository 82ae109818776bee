"""The server's protocols with bounds: on the size of a request's head, on the time it takes to arrive, and on the
time a WebSocket's client takes to hear a farewell.

Without them one connection could fill the memory with headers, idle ones could use up all that the system allows, and
a client that does not read could hold up a stop.
"""

import asyncio
import logging
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from httptools import parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.exchange import Exchange

logger = logging.getLogger(__name__)

# Browsers and proxies stop at 8 to 32 KiB.
HEAD_BYTES = 64 * 1024
# A phone on a bad line needs a second or two for a click. Shorter than the time that a stop waits for requests.
REQUEST_SECONDS = 10
# Nearly all requests are for one of a few; of the longest ones, these are some MiB.
TARGETS = 64
# For what is still unsent and the code of the close; whoever reads has it in a round trip or two.
FAREWELL_SECONDS = 2


class BoundedProtocol(HttpToolsProtocol):
    """One connection; it is closed when a request's head is too large, when the request does not arrive in time, and
    when none follows for a while. One timer looks after the times: to set one for each request took longer than to
    read its headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent has it
        super().connection_made(transport)
        self._head_bytes = 0
        self._in_head = True
        self._arriving_since: float | None = self.loop.time()
        self._idle_since: float | None = None
        # A time that begins right after a check is not over before the next one.
        self._shortest_time = min(self.timeout_keep_alive, REQUEST_SECONDS)
        self._watch = self.loop.call_later(self._shortest_time, self._check_times)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._arriving_since is None:
            self._arriving_since = self.loop.time()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self.send_400_response("Request head is too large")

    def handle_websocket_upgrade(self) -> None:
        # From here on the connection is another protocol's.
        self._watch.cancel()
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        """Begin the exchange, or have it wait for the one before it on this connection."""
        self._in_head = False
        if self.parser.should_upgrade() and self._should_upgrade():
            super().on_headers_complete()
            return
        self._describe()
        former, self.cycle = self.cycle, self._exchange()
        if former is None or former.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _describe(self) -> None:
        """Complete the scope of the request whose head has arrived."""
        scope, target = self.scope, _target(self.url)
        scope["http_version"] = self.parser.get_http_version()
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = self.root_path + target.path
        scope["raw_path"] = self.root_path.encode("ascii") + target.raw_path
        scope["query_string"] = target.query

    def _exchange(self) -> Exchange:
        return Exchange(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self.scope["http_version"] != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes, self._arriving_since = True, 0, None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the request that waits on this connection, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = self.loop.time()

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _check_times(self) -> None:
        now = self.loop.time()
        due = now + self._shortest_time
        if self._idle_since is not None:
            due = self._idle_since + self.timeout_keep_alive
        elif self._arriving_since is not None:
            due = self._arriving_since + REQUEST_SECONDS
        if due <= now:
            self.transport.close()
        else:
            self._watch = self.loop.call_at(due, self._check_times)


class Target(NamedTuple):
    """What a request is for, taken apart."""

    path: str
    raw_path: bytes
    query: bytes


@lru_cache(TARGETS)
def _target(url: bytes) -> Target:
    parsed = parse_url(url)
    path = parsed.path.decode("ascii")
    return Target(unquote(path) if "%" in path else path, parsed.path, parsed.query or b"")


class BoundedSocket(WebSocketsSansIOProtocol):
    """One WebSocket; it is cut off soon after the server closed it, though its client may not have read everything."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # They tell of each connection, which is no event for the server's log.
        self.logger = self.conn.logger = logger

    def shutdown(self) -> None:
        super().shutdown()
        self._cut_off_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut_off_soon()

    def _cut_off_soon(self) -> None:
        # Closing waits for what is unsent, which nobody may ever take.
        self.loop.call_later(FAREWELL_SECONDS, self.transport.abort)
