"""The server's WebSocket protocol with bounds: on the time a client takes to hear a farewell, and on what it can put
into the log."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.lookups.addresses import unmapped
from gateway.server.connection_limits import OPEN, ConnectionLimits
from gateway.server.timeouts import FAREWELL_SECONDS, NO_LIMITS

logger = logging.getLogger(__name__)


class BoundedSocket(WebSocketsSansIOProtocol):
    """One WebSocket; it is cut off soon after the server closed it, though its client may not have read everything."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # They tell of each connection, which is no event for the server's log.
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
        super().shutdown()
        self._cut_off_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._cut_off_soon()

    def _cut_off_soon(self) -> None:
        # Closing waits for what is unsent, which nobody may ever take.
        self.loop.call_later(FAREWELL_SECONDS, self.transport.abort)
