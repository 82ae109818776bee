"""`/graphql` as the gateway serves it: made while the first clicks are answered already.

Its schema, and the libraries of which that is made, take a third of a start, and no click needs them.
"""

import asyncio
import sys

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.pages import graphiql
from gateway.settings import Settings

# How long a click waits, at each of its steps, for the thread to let go of the interpreter. With Python's usual 5 ms
# the first click takes twice as long.
SWITCH_SECONDS = 0.0005
USUAL_SWITCH_SECONDS = sys.getswitchinterval()


class GraphQLEndpoint:
    """The view of the schema. A query that comes before it is made waits for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._view: ASGIApp | None = None
        self._made = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while self._view is None:
            await self._made.wait()
        await self._view(scope, receive, send)

    async def make(self) -> None:
        """Make it, in a thread. Raises whatever prevents that."""
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            self._view = await asyncio.to_thread(_view, self._settings)
        finally:
            sys.setswitchinterval(USUAL_SWITCH_SECONDS)
        self._made.set()


def _view(settings: Settings) -> ASGIApp:
    # Not when the process starts, but here in the thread.
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
