"""WebSockets with the graphql-transport-ws protocol. Strawberry implements the protocol; callers are identified here.

The token, or the session of the upgrade request, is looked up when the client initializes the connection and again for
each operation, so that nothing starts with one that has expired, been revoked, or ended.
"""

import logging
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

from msgspec import ValidationError
from starlette.websockets import WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation

from graph.domain.context import Context
from graph.domain.errors import InvalidRequest, TryLater, Unauthenticated
from graph.execution.admission import GuardedSchema
from graph.execution.error_presentation import presented_refusal
from graph.execution.limits import check
from graph.execution.metrics import kind_of, measure_socket_operation
from graph.http.caller import Credential, credential, identified
from graph.http.requests import MalformedRequest, problem
from graph.http.websocket_messages import Init, Subscribe, read, token

logger = logging.getLogger(__name__)

# RFC 6455, section 5.5: a control frame holds 125 bytes, of which the code takes two.
REASON_BYTES = 123
INTERNAL_ERROR, TRY_AGAIN_LATER = 1011, 1013
MALFORMED, FORBIDDEN = 4400, 4403
OPERATIONS_PER_SOCKET = 20


class Socket(ASGIWebSocketAdapter):
    """The connection of one client."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        if self.ws.application_state == WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        await super().send_json(message)

    async def close(self, code: int, reason: str) -> None:
        """Close the connection unless it is closed, truncating the reason to what a frame holds."""
        if self.ws.application_state != WebSocketState.DISCONNECTED:
            await super().close(code, reason.encode()[:REASON_BYTES].decode(errors="ignore"))


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Handles the messages of one connection."""

    _credential: Credential | None = None

    async def handle_message(self, message: Any) -> None:
        try:
            understood = read(message)
        except ValidationError as error:
            await self.websocket.close(MALFORMED, problem(error))
            return
        if isinstance(understood, Init):
            message = {"type": "connection_init", "payload": understood.payload or {}}
        if await self._is_sound(understood) and await self._is_admitted(understood):
            await super().handle_message(message)

    async def send_message(self, message: Any) -> None:
        await super().send_message(message)
        if self.context.viewer is not None and message["type"] == "next" and _is_disowned(message["payload"]):
            await self.websocket.close(FORBIDDEN, "Forbidden")

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        schema = cast(GuardedSchema, self.schema)
        await schema.turns(self.context).take()
        with measure_socket_operation(kind_of(schema.documents, operation.query, operation.operation_name)):
            await super().run_operation(operation)

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):
            logger.error("GraphQL operation failed", exc_info=error, extra={"fault": uuid4().hex})

    async def _identify(self, message: Init) -> None:
        """Identify the caller by the token in the first message, or else by the headers of the upgrade request."""
        secret = token(message.payload or {})
        upgrade = credential(cast(Socket, self.websocket).ws.scope) if secret is None else None
        self._credential = upgrade if secret is None else Credential(secret)
        self.context = await identified(self.context, self._credential)
        if self.context.viewer is None:
            self._credential = None  # a session that has ended before

    async def _identify_again(self) -> None:
        self.context = await identified(self.context, self._credential)
        if self._credential is not None and self.context.viewer is None:
            raise Unauthenticated

    async def _is_sound(self, message: object) -> bool:
        """Reject operations without a query, and those over the limit. Strawberry closes the connection for violations
        of the protocol."""
        if not isinstance(message, Subscribe) or not self.connection_acknowledged or message.id in self.operations:
            return True
        try:
            message.payload.request()
            check("operations", len(self.operations) + 1, OPERATIONS_PER_SOCKET)
        except MalformedRequest as error:
            await self.websocket.close(MALFORMED, str(error))
        except InvalidRequest as error:
            errors = [presented_refusal(error).formatted]
            await self.send_message({"id": message.id, "type": "error", "payload": errors})
        else:
            return True
        return False

    async def _is_admitted(self, message: object) -> bool:
        """Identify the caller for messages that need it, and close the connection if the token is invalid."""
        try:
            if isinstance(message, Init) and not self.connection_init_received:
                await self._identify(message)
            elif isinstance(message, Subscribe):
                await self._identify_again()
        except Unauthenticated:
            await self.websocket.close(FORBIDDEN, "Forbidden")
        except TryLater as error:
            await self.websocket.close(TRY_AGAIN_LATER, str(error))
        except Exception as error:
            await self.handle_task_exception(error)
            await self.websocket.close(INTERNAL_ERROR, "Something went wrong")
        else:
            return True
        return False


def _is_disowned(payload: Mapping[str, Any]) -> bool:
    """Return whether a response says that the token is no longer valid, which ends all operations."""
    return any(error["extensions"]["code"] == "UNAUTHENTICATED" for error in payload.get("errors") or ())
