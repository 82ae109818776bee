"""The Starlette application: its routes, and the lifespan that starts and stops the services."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from multiprocessing import parent_process
from typing import Any, TypedDict

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from uvicorn.config import STARTUP_FAILURE

from db.tasks import end
from gateway import logs
from gateway.configuration.errors import PathTaken
from gateway.configuration.settings import PREFIX, Settings
from gateway.graphql import GraphQLEndpoint
from gateway.health import Readiness, healthz
from gateway.metrics import MetricsEndpoint
from gateway.pages import page_routes
from gateway.routing import Application
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.file_descriptors import affordable_connections, is_exhaustion
from gateway.server.signals import stop_on_hangup
from gateway.services import running_services
from graph.domain.context import Services
from graph.domain.currencies import known_decimals
from rest import integrations, leads, refunds, sales
from rest.clicks import PATH, ClickEndpoint
from rest.endpoint import Endpoint
from rest.exports.endpoint import export_endpoints
from rest.link_import import PATH as LINK_IMPORT_PATH
from rest.link_import import LinkImportEndpoint
from rest.openapi.document import OpenAPIEndpoint
from rest.sessions import PATH as SESSION_PATH
from rest.sessions import SessionEndpoint
from rest.tracker.script import PATHS, TrackerScript

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1
CONVERSIONS: Mapping[str, Callable[[], Endpoint]] = {
    leads.PATH: leads.LeadEndpoint,
    sales.PATH: sales.SaleEndpoint,
    refunds.PATH: refunds.RefundEndpoint,
}
INTEGRATIONS: Mapping[str, Callable[[], Endpoint]] = {
    integrations.TEST_EVENT_PATH: integrations.TestEventEndpoint,
    integrations.READINESS_PATH: integrations.ReadinessEndpoint,
    integrations.STATUS_PATH: integrations.StatusEndpoint,
}


class State(TypedDict):
    """The lifespan state, which every request's scope carries."""

    services: Services
    connections: ConnectionLimits


def create_app(*more: BaseRoute) -> Starlette:
    """Build the application from the settings in the environment, with any additional routes. Each worker process calls
    this once. Raises `PathTaken`."""
    settings = Settings()
    logs.configure(settings)
    _end_with_parent()
    graphql = GraphQLEndpoint(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[State]:
        async with running_services(settings) as services:
            known = services.directory.size
            logger.info("clickgate %s knows %d links in %s", version("clickgate"), known, services.store.name)
            connections = ConnectionLimits(affordable_connections(settings.connections), app.socket_paths)
            settling = asyncio.create_task(_settle(graphql), name="graphql")
            yield {"services": services, "connections": connections}
            await end(settling)
        if settling.done() and not settling.cancelled() and not settling.result():
            # A normal shutdown would exit with the status of success.
            os._exit(STARTUP_FAILURE)

    paths = {PATH, *CONVERSIONS, *INTEGRATIONS, *PATHS, settings.click_path, settings.tracker_path} - {""}
    app = Application(_routes(settings, graphql, more), settings, forgiving=paths, lifespan=lifespan)
    return app


async def _settle(graphql: GraphQLEndpoint) -> bool:
    """Build the GraphQL endpoint while clicks are already served. On failure, stop the process and return False; if the
    process is only out of file descriptors, retry until some are free."""
    while True:
        try:
            await graphql.make()
            break
        except Exception as error:
            if not is_exhaustion(error):
                logger.exception("the GraphQL endpoint could not be built")
                signal.raise_signal(signal.SIGTERM)
                return False
        logger.warning("too many open files: GraphQL starts once some are closed")
        await asyncio.sleep(RETRY_SECONDS)
    await asyncio.to_thread(known_decimals)  # before the first sale needs them, without keeping a click waiting
    return True


def _routes(settings: Settings, graphql: GraphQLEndpoint, more: Sequence[BaseRoute]) -> Sequence[BaseRoute]:
    root = settings.root_path
    tracker = TrackerScript(root + (settings.click_path or PATH), root + leads.PATH)
    routes = [
        Route(PATH, ClickEndpoint()),
        *(Route(path, endpoint()) for path, endpoint in {**CONVERSIONS, **INTEGRATIONS}.items()),
        *(Route(path, endpoint) for path, endpoint in export_endpoints(graphql.ready).items()),
        Route(LINK_IMPORT_PATH, LinkImportEndpoint()),
        Route(SESSION_PATH, SessionEndpoint()),
        *(Route(path, tracker.answer) for path in PATHS),
        Route("/graphql", graphql),
        WebSocketRoute("/graphql", graphql),
        Route("/openapi.json", OpenAPIEndpoint(settings.root_path, graphql.ready).answer),
        Route("/healthz", healthz),
        Route("/readyz", Readiness().answer),
        Route("/metrics", MetricsEndpoint().answer),
        *page_routes(settings.pages, settings.root_path),
        *more,
    ]
    for path, endpoint in ((settings.click_path, ClickEndpoint()), (settings.tracker_path, tracker.answer)):
        if path:
            routes.append(_own(path, endpoint, routes))
    return routes


def _own(path: str, endpoint: Callable[..., Any], routes: Sequence[BaseRoute]) -> Route:
    """Return the route for a path from the settings. Raises `PathTaken`."""
    asked = {"type": "http", "method": "GET", "path": path}
    if any(route.matches(asked)[0] is not Match.NONE for route in routes):
        raise PathTaken(f"{path} is already in use: choose another path for {PREFIX}CLICK_PATH or {PREFIX}TRACKER_PATH")
    return Route(path, endpoint)


def _end_with_parent() -> None:
    """In a worker process, stop when the parent process has ended for any reason; an orphan would keep the port."""
    parent = parent_process()
    if parent is None:
        return
    stop_on_hangup()

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
