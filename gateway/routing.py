"""Routing: resolves forwarded addresses, strips the root path and surplus slashes, and finds a request's endpoint."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.configuration.settings import Settings
from gateway.error_messages import with_startup_message
from gateway.graphql import GraphQLEndpoint
from gateway.server.forwarding import TrustedProxies
from rest.endpoint import CORS, Endpoint

SLASHES = re.compile("/+")
API = "/api"


class Application(Starlette):
    """The Starlette application, with a shortcut for tracking and queries past its middleware and routes, which would
    take longer than a click itself.

    `forgiving` paths are also served with surplus slashes. A URL joined from a base and a path often has some, and a
    redirect would lose a posted body.
    """

    def __init__(
        self, routes: Sequence[BaseRoute], settings: Settings, *, forgiving: Iterable[str], **options: Any
    ) -> None:
        super().__init__(routes=routes, exception_handlers={HTTPException: refused}, **options)
        # Starlette's redirect to the path without its slash would lack the CORS headers.
        self.router.redirect_slashes = False
        root = settings.root_path
        self._root = re.compile(f"(?:{re.escape(root)})+(?=/|$)") if root else None
        self._proxies = TrustedProxies(settings.trusted_proxies) if settings.trusted_proxies else None
        self._forgiving = frozenset(forgiving)
        self._endpoints: dict[str, ASGIApp] = {
            prefix + route.path: route.endpoint
            for route in routes
            if isinstance(route, Route) and isinstance(route.endpoint, Endpoint | GraphQLEndpoint)
            for prefix in {"", root}
        }
        self.socket_paths = frozenset(
            prefix + route.path for route in routes if isinstance(route, WebSocketRoute) for prefix in {"", root}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint: ASGIApp | None = None
        if scope["type"] == "lifespan":
            send = with_startup_message(send)
        else:
            if self._proxies is not None:
                self._proxies.resolve(scope)
            is_http = scope["type"] == "http"
            endpoint = self._endpoints.get(scope["path"]) if is_http else None
            if endpoint is None:
                scope["path"] = self._routed(scope["path"])
                endpoint = self._endpoints.get(scope["path"]) if is_http else None
        await (endpoint or super().__call__)(scope, receive, send)

    def _routed(self, path: str) -> str:
        """Return a path as the routes define it."""
        tidy = self._without_root(SLASHES.sub("/", path).rstrip("/"))
        return tidy if tidy in self._forgiving else self._without_root(path)

    def _without_root(self, path: str) -> str:
        # The root path may occur twice: once in a page's API base, and again in the path that the tracker adds.
        match = self._root.match(path) if self._root else None
        return path if match is None else path[match.end() :] or "/"


async def refused(request: Request, refusal: Exception) -> Response:
    """Answer Starlette's HTTP errors as JSON, under `/api` with CORS headers so that any origin can read them."""
    if not isinstance(refusal, HTTPException):
        raise refusal
    response = JSONResponse({"error": refusal.detail}, refusal.status_code, headers=refusal.headers)
    path = SLASHES.sub("/", request.scope["path"])
    if path == API or path.startswith(f"{API}/"):
        response.raw_headers.extend(CORS)
    return response
