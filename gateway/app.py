"""The Starlette application: its routes, and the lifespan that starts and stops the services."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from multiprocessing import parent_process
from typing import Any, TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import logs
from gateway.errors import PathTaken
from gateway.faults import in_one_line
from gateway.graphql import GraphQLEndpoint
from gateway.health import Readiness, healthz
from gateway.metrics import metrics
from gateway.pages import page_routes
from gateway.services import running_services
from gateway.settings import PREFIX, Settings
from graph.context import Services
from rest.click import PATH, ClickEndpoint
from rest.openapi import openapi
from rest.tracker import PATHS, TrackerScript

logger = logging.getLogger(__name__)

# Clicks wait for their commit, a hundred objects each, and leave no circles behind: to look for some every 700 objects
# finds nothing and takes a thirtieth of the time.
YOUNG_OBJECTS = (20_000, 10, 10)


class State(TypedDict):
    """What a request finds in its scope's state."""

    services: Services


class Application(Starlette):
    """The routes, and clicks and queries past them: the way through middleware and routes is longer than their own."""

    def __init__(self, routes: Sequence[BaseRoute], **options: Any) -> None:
        super().__init__(routes=routes, **options)
        self._endpoints: dict[str, ASGIApp] = {
            route.path: route.endpoint
            for route in routes
            if isinstance(route, Route) and isinstance(route.endpoint, ClickEndpoint | GraphQLEndpoint)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            send = _telling_in_one_line(send)
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        await (endpoint or super().__call__)(scope, receive, send)


def create_app(*more: BaseRoute) -> Starlette:
    """Build the application as the environment sets it, with more routes where given; each worker process calls this
    once. Raises `PathTaken`."""
    settings = Settings()
    logs.configure(settings)
    _end_with_parent()
    graphql = GraphQLEndpoint(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with running_services(settings) as services:
            known = services.directory.size
            logger.info("clickgate %s knows %d links in %s", version("clickgate"), known, services.store.name)
            settling = asyncio.create_task(_settle(graphql), name="graphql")
            yield {"services": services}
            settling.cancel()

    app = Application(
        _routes(settings, graphql, more),
        exception_handlers={HTTPException: _refused},
        lifespan=lifespan,
    )
    # A redirect to the path without its slash would reach a browser without the CORS headers.
    app.router.redirect_slashes = False
    return app


def _telling_in_one_line(send: Send) -> Send:
    """Return what sends why a start failed: in one line where an operator can mend it, else with the traceback."""

    async def tell(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and error and (told := in_one_line(error)):
            message = {**message, "message": told}
        await send(message)

    return tell


async def _settle(graphql: GraphQLEndpoint) -> None:
    """Make what clicks need not wait for. Without it there is no gateway either: the process stops."""
    try:
        await graphql.make()
    except Exception:
        logger.exception("GraphQL cannot be served")
        signal.raise_signal(signal.SIGTERM)
    # What start-up made stays for good: the collector need not look at it again, ever. With it stay two MiB of garbage,
    # which would take a tenth of a second to find.
    gc.freeze()
    gc.set_threshold(*YOUNG_OBJECTS)


def _routes(settings: Settings, graphql: GraphQLEndpoint, more: Sequence[BaseRoute]) -> Sequence[BaseRoute]:
    tracker = TrackerScript(settings.click_path or PATH)
    routes = [
        Route(PATH, ClickEndpoint()),
        *(Route(path, tracker.answer) for path in PATHS),
        Route("/graphql", graphql),
        WebSocketRoute("/graphql", graphql),
        Route("/openapi.json", openapi),
        Route("/healthz", healthz),
        Route("/readyz", Readiness().answer),
        Route("/metrics", metrics),
        *page_routes(settings.pages),
        *more,
    ]
    for path, endpoint in ((settings.click_path, ClickEndpoint()), (settings.tracker_path, tracker.answer)):
        if path:
            routes.append(_own(path, endpoint, routes))
    return routes


def _own(path: str, endpoint: Callable[..., Any], routes: Sequence[BaseRoute]) -> Route:
    """Return the route of a path that the settings name. Raises `PathTaken`."""
    asked = {"type": "http", "method": "GET", "path": path}
    if any(route.matches(asked)[0] is not Match.NONE for route in routes):
        raise PathTaken(f"{path} is served already: name another in {PREFIX}CLICK_PATH or {PREFIX}TRACKER_PATH")
    return Route(path, endpoint)


async def _refused(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, HTTPException):
        raise refusal
    return JSONResponse({"error": refusal.detail}, refusal.status_code, headers=refusal.headers)


def _end_with_parent() -> None:
    """In a worker process, stop when the process that started it is gone, however it ended; an orphan would go on
    holding the port."""
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
