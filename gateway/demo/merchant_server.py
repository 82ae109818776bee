"""The part of the shop's server that talks to the gateway: it reports orders and refunds with a tracking token.

A merchant's server would send the same requests over the network. Here they go to the application in the same process,
so that they also arrive through a Unix socket or behind a proxy.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.types import Message

from db.lookups.tokens import NewToken
from gateway.demo.page_templates import program_id
from gateway.demo.welcome import LABEL
from graph.domain import tokens
from graph.domain.context import Context, Services
from graph.domain.permissions import ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request to the gateway, and its answer."""

    path: str
    body: Mapping[str, Any]
    status: int
    answer: str

    @property
    def answered(self) -> dict[str, Any]:
        """The answer's fields. Numbers with decimals are strings, digit by digit as they were sent."""
        return dict(json.loads(self.answer, parse_float=str))

    def shown(self) -> dict[str, str]:
        """Return the request and the answer as texts for people, without the token."""
        body = json.dumps(self.body, indent=2, ensure_ascii=False)
        return {
            "sent": f"POST {self.path}\nAuthorization: Bearer …\n\n{body}",
            "answer": f"{self.status} {HTTPStatus(self.status).phrase}\n\n{self.answer}",
        }


class MerchantServer:
    """Sends requests to the gateway with the shop's own token, which it issues for the first of them. The next demo
    revokes it."""

    def __init__(self) -> None:
        self._secret: str | None = None
        self._issuing = asyncio.Lock()

    async def post(self, request: Request, path: str, body: Mapping[str, Any]) -> Exchange:
        """Post a body to one of the gateway's endpoints, while answering a visitor's request. Raises `DatabaseAway` if
        the token cannot be issued."""
        authorization = f"Bearer {await self._token(request.state.services)}"
        scope = {
            **{name: request.scope[name] for name in ("asgi", "http_version", "scheme", "state")},
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(b"authorization", authorization.encode()), (b"content-type", b"application/json")],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": json.dumps(body).encode()}

        async def send(message: Message) -> None:
            sent.append(message)

        await request.app(scope, receive, send)
        answer = b"".join(message.get("body", b"") for message in sent).decode()
        return Exchange(path, body, sent[0]["status"], answer)

    async def _token(self, services: Services) -> str:
        async with self._issuing:
            if self._secret is None:
                new = NewToken("tracking", program_id=await program_id(services), label=LABEL)
                self._secret, _ = await tokens.issue(Context(services, viewer=ADMINISTRATOR), new)
            return self._secret
