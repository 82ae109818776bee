"""A served GraphQL endpoint with its own small schema, for tests of everything in front of the real schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import strawberry
import uvicorn
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.server.protocol import BoundedProtocol
from gateway.server.websocket import BoundedSocket
from graph.domain.context import Context
from graph.domain.errors import DatabaseAway, FieldInvalid, Forbidden, RateLimited, Unauthenticated
from graph.domain.scope import Viewer
from graph.execution.admission import GuardedSchema
from graph.execution.cost_plan import COST
from graph.execution.limits import Limits
from graph.http.body import BODY_BYTES
from graph.http.view import GraphQLView
from tests.support.in_process_servers import running_server

PATH = "/graphql"
Info = strawberry.Info[Context, None]
ADMIN = Viewer("admin")
ERRORS: dict[str, Exception] = {
    "field": FieldInvalid("name", "is too long"),
    "forbidden": Forbidden(),
    "token": Unauthenticated(),
    "rate": RateLimited(7),
    "away": DatabaseAway(),
    "fault": RuntimeError("the password is hunter2"),
    "graphql": GraphQLError("the password is hunter2"),
}


@strawberry.type
class Leaf:
    name: str = "a leaf"
    dear: str = strawberry.field(default="", metadata={COST: 50})


@strawberry.type
class Item:
    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID("1")

    @strawberry.field
    def name(self) -> str | None:
        return "an item"

    @strawberry.field
    def leaf(self) -> Leaf:
        return Leaf()

    @strawberry.field
    def item(self) -> "Item":
        return Item()

    @strawberry.field
    def items(self, first: int | None = None, last: int | None = None) -> "ItemConnection":
        return ItemConnection()

    series: list[Leaf] = strawberry.field(resolver=lambda: [Leaf()], metadata={COST: 10})


@strawberry.type
class ItemEdge:
    cursor: str = "a cursor"
    node: Item = strawberry.field(default_factory=Item)


@strawberry.type
class ItemConnection:
    edges: list[ItemEdge] = strawberry.field(default_factory=list)
    nodes: list[Item] = strawberry.field(default_factory=list)
    total_count: int = 0


@strawberry.input
class Nested:
    number: int | None = None
    inner: "list[Nested] | None" = None


@strawberry.type
class Query(Item):
    @strawberry.field
    def pages(self, first: int | None = 5, last: int | None = None) -> ItemConnection:
        return ItemConnection()

    @strawberry.field
    def echo(self, number: int | None = None, text: str = "", nested: Nested | None = None) -> str:
        return f"{number} {text}"

    @strawberry.field
    def role(self, info: Info) -> str | None:
        return info.context.viewer.role if info.context.viewer else None

    @strawberry.field
    def agent(self, info: Info) -> str | None:
        return info.context.user_agent

    @strawberry.field
    def fails(self, how: str) -> str | None:
        raise ERRORS[how]

    @strawberry.field
    def breaks(self) -> int | None:
        return 2**40


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> str:
        return "changed"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number
            await asyncio.sleep(0)

    @strawberry.subscription
    async def role(self, info: Info) -> AsyncIterator[str | None]:
        yield info.context.viewer.role if info.context.viewer else None

    @strawberry.subscription
    async def waits(self) -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    @strawberry.subscription
    async def fails(self, how: str) -> AsyncIterator[int]:
        yield 1
        raise ERRORS[how]

    @strawberry.subscription
    async def items(self) -> AsyncIterator[Query]:
        yield Query()
        yield Query()


class Tokens:
    """The valid tokens; `away` simulates a database outage."""

    def __init__(self) -> None:
        self.good: dict[str, Viewer] = {"secret": ADMIN}

    async def __call__(self, secret: str) -> Viewer | None:
        if secret == "away":
            raise DatabaseAway
        return self.good.get(secret)


def make_schema(limits: Limits | None = None) -> GuardedSchema:
    return GuardedSchema(Query, mutation=Mutation, subscription=Subscription, limits=limits)


def endpoint(limits: Limits | None = None, tokens: Tokens | None = None, **options: Any) -> ASGIApp:
    """Return an application with the endpoint, which finds its services where a gateway's lifespan puts them."""
    view = GraphQLView(make_schema(limits), **options)
    app = Starlette(routes=[Route(PATH, view), WebSocketRoute(PATH, view)])
    services = SimpleNamespace(authenticate=tokens or Tokens(), replica=None)

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"services": services}}, receive, send)

    return with_state


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Call the endpoint without a server in between."""
    transport = httpx.ASGITransport(endpoint(**options))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield http


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[str]:
    """Serve the endpoint like a gateway; yield its address without the scheme."""
    config = uvicorn.Config(
        endpoint(**options),
        port=0,
        lifespan="off",
        log_config=None,
        http=BoundedProtocol,
        ws=BoundedSocket,
        ws_max_size=BODY_BYTES,
    )
    async with running_server(config) as port:
        yield f"127.0.0.1:{port}{PATH}"
