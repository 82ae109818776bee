"""The `/graphql` endpoint, which is built in the background while the first clicks are already served.

Building the schema and importing its libraries takes a third of the start-up time, and clicks need neither.
"""

import asyncio
import sys

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.configuration.settings import Settings
from gateway.pages import graphiql

# How long the building thread may hold the GIL while a click waits for it. With Python's default of 5 ms, the first
# click takes twice as long.
SWITCH_SECONDS = 0.0005
DEFAULT_SWITCH_SECONDS = sys.getswitchinterval()


class GraphQLEndpoint:
    """The ASGI endpoint. Queries that arrive before it is built wait for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._view: ASGIApp | None = None
        self._made = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        view = await self._ready_view()
        await view(scope, receive, send)

    async def ready(self) -> None:
        """Wait until the endpoint is built. What else needs its libraries must not import them before: two threads that
        import modules which import each other find them half-made."""
        await self._ready_view()

    async def make(self) -> None:
        """Build the endpoint in a thread. Raises any error that occurs."""
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            self._view = await asyncio.to_thread(_view, self._settings)
        finally:
            sys.setswitchinterval(DEFAULT_SWITCH_SECONDS)
        self._made.set()

    async def _ready_view(self) -> ASGIApp:
        while self._view is None:
            await self._made.wait()
        return self._view


def _view(settings: Settings) -> ASGIApp:
    # Imported here, in the thread, because these modules are slow to import.
    import graph.exports.requests  # noqa: F401  for the exports, which wait for this
    from graph.execution.limits import Limits
    from graph.http.view import GraphQLView
    from graph.schema.build import build_schema

    limits = Limits(
        depth=settings.graphql_depth,
        aliases=settings.graphql_aliases,
        directives=settings.graphql_directives,
        tokens=settings.graphql_tokens,
        cost=settings.graphql_cost,
    )
    return GraphQLView(build_schema(limits), origins=settings.graphql_origins, page=graphiql(settings.pages))
