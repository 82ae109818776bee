"""A connection's time limits: for a request to arrive, for its answer to be read, for the next request to follow."""

import asyncio
from abc import abstractmethod

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.lookups.addresses import unmapped
from gateway.server.acceptor import ServerConfig
from gateway.server.connection_limits import INCOMPLETE, OPEN, REFUSED, UNREAD, ConnectionLimits

# A phone on a bad line needs a second or two for a click. Shorter than the time that a stop waits for requests.
REQUEST_SECONDS = 10
# In which a client reads what the transport buffers, 48 KiB, or is cut off: the slowest mobile lines are faster.
UNREAD_SECONDS = 10
# For what is still unsent when the connection is closed; a client that reads has it in a round trip or two.
FAREWELL_SECONDS = 2
NO_LIMITS = ConnectionLimits()


class TimedProtocol(HttpToolsProtocol):
    """One connection, which is closed when its client is too slow, and may be when there are too many. One timer looks
    after all times: to set one for each request took longer than to read its headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent has it
        super().connection_made(transport)
        self.client = unmapped(self.client)
        self._arriving_since: float | None = self.loop.time()
        self._idle_since: float | None = None
        self._unread_since: float | None = None
        # A time that begins right after a check is not over before the next one.
        self._shortest_time = min(self.timeout_keep_alive, REQUEST_SECONDS, UNREAD_SECONDS)
        self._watch = self.loop.call_later(self._shortest_time, self._check_times)
        self._limits: ConnectionLimits = self.app_state.get("connections", NO_LIMITS)
        OPEN.inc()
        if not self._limits.admit(self.connections):
            REFUSED.inc()
            transport.abort()
        if isinstance(self.config, ServerConfig):
            room = self._limits.room(self.connections)
            self._limits.acceptor.accept(self.config.listeners, self._successor, room)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        OPEN.dec()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        # From here on the connection is another protocol's.
        self._watch.cancel()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    def _successor(self) -> asyncio.Protocol:
        return type(self)(self.config, self.server_state, self.app_state, self.loop)

    @abstractmethod
    def is_answering(self) -> bool:
        """Return whether a request has arrived as a whole and its answer is under way."""

    def waiting_since(self) -> float | None:
        """Return since when the client has kept the gateway waiting, or None while a request is answered."""
        if self._unread_since is not None:
            return self._unread_since
        return None if self.is_answering() else self._idle_since or self._arriving_since

    def evict(self) -> None:
        """Close the connection at once."""
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
        self._abort_in(FAREWELL_SECONDS)

    def _abort_in(self, seconds: float) -> None:
        """Cut the connection off, unless it is closed by then: closing waits for what is unsent, which the client may
        never read."""
        self._watch = self.loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        UNREAD.inc()
        self.transport.abort()
