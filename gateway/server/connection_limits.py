"""The limit on a process's open connections, and the eviction of idle ones when it is reached.

Each connection takes a file descriptor. Without a limit below the operating system's, connections could use them all
up and leave none for the database, the city database or a late import.
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

OPEN = Gauge("clickgate_connections", "Open connections", multiprocess_mode="livesum")
DROPPED = Counter(
    "clickgate_connections_dropped",
    "Connections that the gateway closed, by reason: refused and evicted (too many are open), "
    "unread (the client does not read its response), incomplete (the request does not arrive in time)",
    ["reason"],
)
REFUSED, EVICTED, UNREAD, INCOMPLETE = map(DROPPED.labels, ("refused", "evicted", "unread", "incomplete"))
MALFORMED = Counter("clickgate_malformed_requests", "Malformed HTTP requests")

# Each scan of all connections evicts up to this fraction of them (1/16), to make room for several new ones.
EVICTED_SHARE = 16
# After a scan that found nothing to evict, the next scan waits, since it would most likely find nothing either.
FRUITLESS_SECONDS = 0.1
WARNING_SECONDS = 60
# WebSockets stay open for as long as their clients like, so they may take only half of the connections.
SOCKETS_SHARE = 2


class Evictable(Protocol):
    """A connection that can be closed to make room for another."""

    def waiting_since(self) -> float | None:
        """Return since when the gateway has been waiting for the client, or None while a request is being answered."""

    def evict(self) -> None:
        """Close the connection at once."""


@dataclass
class ConnectionLimits:
    """The limits on a process's connections. There are none by default; with `socket_paths` None, WebSockets may be
    opened at any path."""

    most: int | None = None
    socket_paths: Container[str] | None = None
    sockets: int = field(default=0, init=False)
    acceptor: Acceptor = field(default_factory=Acceptor, init=False)
    _next_look_at: float = field(default=0, init=False)
    _next_warning_at: float = field(default=0, init=False)

    def admit(self, every: set[Any]) -> bool:
        """Return whether the newest of all open connections may stay. If there are too many, close the connections
        that have waited longest for their clients instead."""
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
        """Return how many more connections may be opened."""
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
                "the limit of %d open connections is reached: closing idle connections and refusing new ones "
                "(see CLICKGATE_CONNECTIONS and the limit on open files)",
                self.most,
            )
