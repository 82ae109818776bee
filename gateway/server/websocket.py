"""The WebSocket protocol, based on uvicorn's, with a limit on the time for closing and no log line per connection."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from gateway.lookups.addresses import unmapped
from gateway.server.connection_limits import OPEN, ConnectionLimits
from gateway.server.timeouts import CLOSE_SECONDS, NO_LIMITS

logger = logging.getLogger(__name__)


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket. Soon after the server closes it, it is aborted even if the client has not read everything."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # uvicorn and websockets log every connection. This logger's level hides those lines.
        self.logger = self.conn.logger = logger
        self._limits: ConnectionLimits = self.app_state.get("connections", NO_LIMITS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.client = unmapped(self.client)
        self._limits.sockets += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._limits.sockets -= 1
        OPEN.dec()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN:
            # The client is closing it. uvicorn would fail to, and the other connections and what waits to be committed
            # would be left as they are.
            self.stop_keepalive()
            self.transport.close()
        else:
            super().shutdown()
        self._abort_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_soon()

    def _abort_soon(self) -> None:
        # Closing waits until all data is sent, and the client may never read it.
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
