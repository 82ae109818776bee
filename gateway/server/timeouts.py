"""A connection's timeouts: for a request to arrive, for its response to be read, and for the next request to follow."""

import asyncio
from abc import abstractmethod

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.lookups.addresses import unmapped
from gateway.server.acceptor import ServerConfig
from gateway.server.connection_limits import INCOMPLETE, OPEN, REFUSED, UNREAD, ConnectionLimits

# A phone on a bad connection needs a second or two for a click. Must be shorter than the time allowed for shutdown.
REQUEST_SECONDS = 10
# A client has to read the transport's buffer of 48 KiB in this time. Even the slowest mobile connections are faster.
UNREAD_SECONDS = 10
# The time to send the remaining data when a connection is closed. A client that reads needs a round trip or two.
CLOSE_SECONDS = 2
NO_LIMITS = ConnectionLimits()


class TimedProtocol(HttpToolsProtocol):
    """A connection that is closed when its client is too slow, and can be evicted when there are too many connections.
    A single timer checks all timeouts, because setting one per request took longer than reading its headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent has it
        super().connection_made(transport)
        self.client = unmapped(self.client)
        self._arriving_since: float | None = self.loop.time()
        self._idle_since: float | None = None
        self._unread_since: float | None = None
        self._is_evicted = False
        # No timeout that starts after a check can expire before the next one.
        self._shortest_time = min(self.timeout_keep_alive, REQUEST_SECONDS, UNREAD_SECONDS)
        self._watch = self.loop.call_later(self._shortest_time, self._check_times)
        self._limits: ConnectionLimits = self.app_state.get("connections", NO_LIMITS)
        OPEN.inc()
        if not self._limits.admit(self.connections):
            REFUSED.inc()
            self.evict()
        if isinstance(self.config, ServerConfig):
            room = self._limits.room(self.connections)
            self._limits.acceptor.accept(self.config.listeners, self._new_protocol, room)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        OPEN.dec()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        # The WebSocket protocol takes over the connection.
        self._watch.cancel()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    def _new_protocol(self) -> asyncio.Protocol:
        return type(self)(self.config, self.server_state, self.app_state, self.loop)

    @abstractmethod
    def is_answering(self) -> bool:
        """Return whether a complete request is being answered."""

    def waiting_since(self) -> float | None:
        """Return since when the gateway has been waiting for the client, or None while a request is being answered,
        and for a connection that was evicted already: it makes no further room."""
        if self._is_evicted:
            return None
        if self._unread_since is not None:
            return self._unread_since
        return None if self.is_answering() else self._idle_since or self._arriving_since

    def evict(self) -> None:
        """Close the connection at once. It stays among the open ones until the event loop's next iteration."""
        self._is_evicted = True
        self.transport.abort()

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _check_times(self) -> None:
        now = self.loop.time()
        if self.transport.is_closing():
            self._abort_in(UNREAD_SECONDS)
        elif self._unread_since is not None and now >= self._unread_since + UNREAD_SECONDS:
            self._abort_in(0)
        elif self._idle_since is not None and now >= self._idle_since + self.timeout_keep_alive:
            self._close()
        elif self._arriving_since is not None and now >= self._arriving_since + REQUEST_SECONDS:
            INCOMPLETE.inc()
            self._close()
        else:
            self._watch = self.loop.call_at(self._next_check(now), self._check_times)

    def _next_check(self, now: float) -> float:
        if self._unread_since is not None:
            return self._unread_since + UNREAD_SECONDS
        if self._idle_since is not None:
            return self._idle_since + self.timeout_keep_alive
        if self._arriving_since is not None:
            return self._arriving_since + REQUEST_SECONDS
        return now + self._shortest_time

    def _close(self) -> None:
        self.transport.close()
        self._abort_in(CLOSE_SECONDS)

    def _abort_in(self, seconds: float) -> None:
        """Abort the connection if it is not closed by then. Closing waits until all data is sent, and the client may
        never read it."""
        self._watch = self.loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        UNREAD.inc()
        self.transport.abort()
