"""How many connections a process keeps open, and which ones it closes when there are too many.

Each connection takes a file descriptor. Without a limit below the operating system's, a crowd of connections would
leave none for the database, the city database or a module that is imported late.
"""

import logging
import sys
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from time import monotonic
from typing import Any, Protocol

from prometheus_client import Counter, Gauge

from gateway.server.acceptor import Acceptor

logger = logging.getLogger(__name__)

OPEN = Gauge("clickgate_connections", "Connections that are open", multiprocess_mode="livesum")
DROPPED = Counter(
    "clickgate_connections_dropped",
    "Connections that the gateway cut off, by reason: refused and evicted (too many are open), "
    "unread (the client does not read), incomplete (its request does not arrive)",
    ["reason"],
)
REFUSED, EVICTED, UNREAD, INCOMPLETE = map(DROPPED.labels, ("refused", "evicted", "unread", "incomplete"))
MALFORMED = Counter("clickgate_malformed_requests", "What arrived on the port and is no HTTP request")

# One look at all connections makes room for several new ones.
EVICTED_SHARE = 16
# Where a look found none to close, the next ones would find none either.
FRUITLESS_SECONDS = 0.1
WARNING_SECONDS = 60
# WebSockets stay open as long as their clients like, so they may not take all the room.
SOCKETS_SHARE = 2


class Evictable(Protocol):
    """A connection that may be closed to make room."""

    def waiting_since(self) -> float | None:
        """Return since when the client has kept the gateway waiting, or None while a request is answered."""

    def evict(self) -> None:
        """Close the connection at once."""


@dataclass
class ConnectionLimits:
    """The limits on a process's connections. By default there are none; `socket_paths` None stands for all paths."""

    most: int | None = None
    socket_paths: Container[str] | None = None
    sockets: int = field(default=0, init=False)
    acceptor: Acceptor = field(default_factory=Acceptor, init=False)
    _next_look_at: float = field(default=0, init=False)
    _next_warning_at: float = field(default=0, init=False)

    def admit(self, every: set[Any]) -> bool:
        """Return whether the newest of all open connections may stay; where there are too many, those that have waited
        longest for their clients are closed in its place."""
        if self.most is None or len(every) <= self.most:
            return True
        self._warn()
        now = monotonic()
        if now < self._next_look_at:
            return False
        evicted = self._evict(every, max(1, self.most // EVICTED_SHARE))
        if not evicted:
            self._next_look_at = now + FRUITLESS_SECONDS
        return evicted > 0

    def room(self, every: set[Any]) -> int:
        """Return how many more connections may be open."""
        return sys.maxsize if self.most is None else self.most - len(every)

    def may_open_socket(self) -> bool:
        """Return whether there is room for another WebSocket."""
        return self.most is None or self.sockets < self.most // SOCKETS_SHARE

    def _evict(self, every: Iterable[Any], most: int) -> int:
        waiting = [
            (since, id(connection), connection)
            for connection in every
            if hasattr(connection, "waiting_since") and (since := connection.waiting_since()) is not None
        ]
        evicted = nsmallest(most, waiting)
        for _, _, connection in evicted:
            connection.evict()
            EVICTED.inc()
        return len(evicted)

    def _warn(self) -> None:
        if monotonic() >= self._next_warning_at:
            self._next_warning_at = monotonic() + WARNING_SECONDS
            logger.warning(
                "%d connections are open, and no more are allowed: closing idle ones, refusing new ones "
                "(see CLICKGATE_CONNECTIONS, and the limit on open files)",
                self.most,
            )
