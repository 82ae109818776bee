"""The Starlette application: its routes, and the lifespan that starts and stops the services."""

import gc
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from multiprocessing import parent_process
from typing import TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from gateway import logs
from gateway.health import Readiness, healthz
from gateway.metrics import metrics
from gateway.pages import graphiql, page_routes
from gateway.services import running_services
from gateway.settings import Settings
from graph.context import Services
from graph.schema.build import build_schema
from graph.wire.limits import Limits
from graph.wire.view import GraphQLView
from rest.click import PATH, ClickEndpoint
from rest.openapi import openapi

logger = logging.getLogger(__name__)


class State(TypedDict):
    """What a request finds in its scope's state."""

    services: Services


def create_app() -> Starlette:
    """Build the application as the environment sets it; each worker process calls this once."""
    settings = Settings()
    logs.configure(settings)
    _end_with_parent()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with running_services(settings) as services:
            known = services.directory.size
            logger.info("clickgate %s knows %d links in %s", version("clickgate"), known, services.store.name)
            # What start-up made stays for good: the collector need not look at it again, ever.
            gc.collect()
            gc.freeze()
            yield {"services": services}

    schema, page = build_schema(limits_of(settings)), graphiql(settings.pages)
    graphql = GraphQLView(schema, origins=settings.graphql_origins, page=page)
    app = Starlette(
        routes=[
            Route(PATH, ClickEndpoint()),
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            Route("/openapi.json", openapi),
            Route("/healthz", healthz),
            Route("/readyz", Readiness().answer),
            Route("/metrics", metrics),
            *page_routes(settings.pages),
        ],
        exception_handlers={HTTPException: _refused},
        lifespan=lifespan,
    )
    # A redirect to the path without its slash would reach a browser without the CORS headers.
    app.router.redirect_slashes = False
    return app


def limits_of(settings: Settings) -> Limits:
    """Return how much one query may ask for."""
    return Limits(
        depth=settings.graphql_depth,
        aliases=settings.graphql_aliases,
        directives=settings.graphql_directives,
        tokens=settings.graphql_tokens,
        cost=settings.graphql_cost,
    )


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
