"""The HTTP protocol of a connection, based on uvicorn's, with limits on pipelined requests and on the size of heads.

Without the limits, one connection could exhaust the memory. Malformed requests are answered with an error and counted
rather than logged, because any client can send them.
"""

import asyncio
from collections import deque
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl

from gateway.server.connection_limits import MALFORMED
from gateway.server.http_upgrades import handshake_headers, opens_socket, plain_head
from gateway.server.refusals import DiscardingParser, refusal
from gateway.server.request_cycle import RequestCycle
from gateway.server.request_target import parse_target
from gateway.server.timeouts import CLOSE_SECONDS, TimedProtocol

# Browsers and proxies send at most 8 to 32 KiB. The limit covers everything but bodies: heads, trailers, chunk headers.
HEAD_BYTES = 64 * 1024
# One read may contain thousands of small requests, each of which takes a hundred times its size once parsed.
PIECE_BYTES = 2048
# Discards trailers, which must not be merged into the headers (RFC 9110, section 6.5.1).
TRAILERS: Any = deque(maxlen=0)


class ReadAheadControl(FlowControl):
    """Flow control that resumes reading only after everything received has been parsed."""

    unparsed: memoryview | None = None

    def resume_reading(self) -> None:
        if self.read_paused and self.unparsed is None:
            self.read_paused = False
            self._transport.resume_reading()


class BoundedProtocol(TimedProtocol):
    """One connection. A pipelined request waits, parsed or unparsed, until the one before it has been answered."""

    flow: ReadAheadControl

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent has it
        self._head_bytes = 0
        self._refusal: bytes | None = None
        super().connection_made(transport)
        self.flow = ReadAheadControl(transport)

    def data_received(self, data: bytes) -> None:
        if self._arriving_since is None:
            self._arriving_since = self.loop.time()
        self._idle_since = None
        if self.pipeline or len(data) > PIECE_BYTES:
            earlier = self.flow.unparsed
            self.flow.unparsed = memoryview(data if earlier is None else bytes(earlier) + data)
            self._parse_on()
        else:
            self._parse(data)

    def _parse_on(self) -> None:
        """Parse what was received, until a request has to wait for the one before it."""
        while self.flow.unparsed is not None and not self.pipeline:
            piece, rest = self.flow.unparsed[:PIECE_BYTES], self.flow.unparsed[PIECE_BYTES:]
            self.flow.unparsed = rest or None
            self._parse(piece)
        if self.flow.unparsed is not None:
            self.flow.pause_reading()

    def _parse(self, data: bytes | memoryview) -> None:
        self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._upgrade(memoryview(data)[upgrade.args[0] :])
        except HttpParserError:
            self._refuse(400, "Not an HTTP request")
        else:
            if self._head_bytes > HEAD_BYTES:
                self._refuse(431, "Request head is too large")

    def _upgrade(self, rest: memoryview) -> None:
        """Continue after the head of a request with an `Upgrade` header, where the parser stops."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            self._refuse(405, "Method not allowed")
        elif self._is_free() and opens_socket(method, version, self._path(), self.headers, self._limits.socket_paths):
            self._open_socket(rest)
        else:
            self._arriving_since = self.loop.time()
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self._parse(plain_head(method, self.url, version, self.headers))
            if rest:
                self._parse(rest)

    def _open_socket(self, rest: memoryview) -> None:
        if not self._limits.may_open_socket():
            self._refuse(503, "Too many WebSockets are open")
            return
        self.scope["method"] = "GET"
        self.scope["headers"] = handshake_headers(self.headers)
        self.handle_websocket_upgrade()
        early, self.flow.unparsed = bytes(rest) + bytes(self.flow.unparsed or b""), None
        if early:
            self.transport.get_protocol().data_received(early)  # type: ignore[attr-defined]  # the WebSocket protocol's

    def on_headers_complete(self) -> None:
        """Start the application, unless the request before this one is still being answered."""
        if self.parser.should_upgrade():
            return  # the parser stops here: see `_upgrade`
        self._describe()
        self.headers = TRAILERS
        former, self.cycle = self.cycle, self._new_cycle()
        if former is None or former.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _path(self) -> str:
        try:
            return parse_target(self.url).path
        except (HttpParserError, UnicodeDecodeError):
            return ""  # the parser will refuse it, too

    def _describe(self) -> None:
        """Complete the scope of a request after its head has arrived."""
        scope, target = self.scope, parse_target(self.url)
        scope["http_version"] = self.parser.get_http_version()
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = self.root_path + target.path
        scope["raw_path"] = self.root_path.encode("ascii") + target.raw_path
        scope["query_string"] = target.query

    def _new_cycle(self) -> RequestCycle:
        scope = self.scope
        is_current = scope["http_version"] != "1.0"
        return RequestCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=is_current and self.expect_100_continue,
            keep_alive=is_current and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._head_bytes, self._arriving_since = 0, None
        if self.parser.should_upgrade():
            return
        self.cycle.more_body = False
        if not self.cycle.response_complete:
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Start the next pipelined request, or wait for one to arrive."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._send_refusal(self._refusal)
        else:
            self._idle_since = self.loop.time()
        if self.flow.unparsed is not None:
            self._idle_since, self._arriving_since = None, self.loop.time()
            self._parse_on()
        self.flow.resume_reading()

    def shutdown(self) -> None:
        super().shutdown()
        for cycle in (self.cycle, *(waiting for waiting, _ in self.pipeline)):
            if isinstance(cycle, RequestCycle):
                cycle.stop()
        if self.transport.is_closing():
            self._watch.cancel()
            self._abort_in(CLOSE_SECONDS)

    def _refuse(self, status: int, problem: str) -> None:
        """Stop reading, send an error response after those that are still due, and close the connection."""
        if self._refusal is not None:
            return
        if status == 400:
            MALFORMED.inc()
        self._refusal = refusal(status, problem)
        self.parser = DiscardingParser()  # type: ignore[assignment]  # has the only method that is called
        self.flow.unparsed = None
        if self.cycle is not None and self.cycle.more_body and not self._drop_unfinished():
            self.transport.close()
        elif self._is_free():
            self._send_refusal(self._refusal)

    def _drop_unfinished(self) -> bool:
        """Drop the request whose body is incomplete, and return whether an error response can still be sent for it."""
        if self.pipeline:
            self.pipeline.popleft()
            return True
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if self.cycle.response_started:
            return False
        self.cycle = None  # type: ignore[assignment]  # None, as before the first request
        return True

    def _is_free(self) -> bool:
        return not self.pipeline and (self.cycle is None or self.cycle.response_complete)

    def is_answering(self) -> bool:
        """Return whether a complete request is being answered."""
        return bool(self.pipeline) or not (self._is_free() or self.cycle.more_body)

    def _send_refusal(self, response: bytes) -> None:
        self.transport.write(response)
        self.transport.close()
