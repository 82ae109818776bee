"""A gateway for tests: a real server on a real database, with factories for what clicks need and functions that read
what they stored."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import httpx
import uvicorn
from sqlalchemy import Executable, func, select, text, update
from sqlalchemy.orm import DeclarativeBase

from db.audit.report import audit
from db.engine.store import Store
from db.lookups.tokens import NewToken, TokenRole
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from gateway.configuration.settings import PREFIX, Settings
from gateway.server.protocol import BoundedProtocol
from gateway.server.serve import APP
from gateway.server.websocket import BoundedSocket
from gateway.services import offline_services
from graph.domain import links, partners, programs, tokens
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from graph.http.body import BODY_BYTES
from tests.support.click_apis import CLICK, GRAPHQL, ClickApi, Headers, rest
from tests.support.in_process_servers import running_server
from tests.support.shared_parts import what_all_gateways_share

# Every gateway knows within a second of the commit; the rest is for the requests by which a busy machine finds out.
PROMISED_SECONDS = 1 + 0.25
URL = "https://yoursite.com/pricing?aff={}"
# What gateways of a cluster notice changes in a SQL shell by.
NOTICE_CHANGES = "UPDATE link_directory_version SET version = version + 1, reload_version = version + 1"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway. `http` talks to it, `store` accesses its database directly, and clicks are sent through
    `click_api`."""

    http: httpx.AsyncClient
    store: Store
    context: Context
    click_api: ClickApi = rest

    async def program(self, **fields: Any) -> dict[str, Any]:
        return await programs.create(self.context, programs.NewProgram(**{"name": "A program", **fields}))

    async def partner(self, program: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        made = await partners.create(self.context, **{"name": "A partner", **fields})
        if program is not None:
            await partners.join(self.context, partner_id=made["id"], program_id=program["id"])
        return made

    async def link(self, code: str = "PARTNER123", **fields: Any) -> dict[str, Any]:
        """Create a link, together with its program and partner unless their rows are given."""
        program = fields.pop("program", None) or await self.program()
        partner = fields.pop("partner", None) or await self.partner()
        await partners.join(self.context, partner_id=partner["id"], program_id=program["id"])
        return await links.create(
            self.context, links.NewLink(code=code, program_id=program["id"], partner_id=partner["id"], **fields)
        )

    async def track(self, code: str | None = "PARTNER123", *, headers: Headers = None, **fields: Any) -> httpx.Response:
        """Send a click like the tracker script."""
        if code is not None:
            fields.setdefault("affiliate_url", URL.format(code))
        return await self.click_api(self.http, fields, headers)

    async def send(self, body: bytes, **headers: str) -> httpx.Response:
        """Send arbitrary bytes."""
        return await self.http.post(CLICK, content=body, headers=headers)

    async def token(self, role: TokenRole = "admin", **bounds: Any) -> str:
        """Issue a token, optionally bound to a program or a partner by id; return its secret."""
        secret, _ = await tokens.issue(self.context, NewToken(role, **bounds))
        return secret

    async def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None
    ) -> dict[str, Any]:
        """Send a GraphQL operation; return the whole response, with `data`, `errors` and `extensions`."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = await self.http.post(GRAPHQL, json={"query": query, "variables": variables}, headers=headers)
        body: dict[str, Any] = answer.json()
        return body

    async def execute(self, statement: Executable) -> None:
        """Change the database directly, like an administrator in a SQL shell."""
        async with self.store.write() as connection:
            await connection.execute(statement)
            if self.store.database.is_cluster:  # which has no triggers
                await connection.execute(text(NOTICE_CHANGES))

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Prevent clicks from being committed, so that they queue up, by locking their links' counters."""
        async with self.store.write() as connection:
            await connection.execute(update(ReferralLink).values(clicks=ReferralLink.clicks))
            yield

    async def rows(self, table: type[DeclarativeBase]) -> list[dict[str, Any]]:
        async with self.store.read() as connection:
            found = await connection.execute(select(table.__table__).order_by(*table.__table__.primary_key))
            return [row._asdict() for row in found]

    async def events(self) -> list[dict[str, Any]]:
        return await self.rows(ClickEvent)

    async def customers(self) -> list[dict[str, Any]]:
        return await self.rows(Customer)

    async def test_events(self) -> list[dict[str, Any]]:
        return await self.rows(ClickTestEvent)

    async def link_row(self, code: str = "PARTNER123") -> dict[str, Any]:
        return next(row for row in await self.rows(ReferralLink) if row["code"] == code)

    async def memberships(self) -> list[dict[str, Any]]:
        return await self.rows(PartnerProgram)

    async def recorded(self) -> int:
        """Check that all counters agree; return the number of stored clicks."""
        found = await audit(self.store)
        assert not found.differences
        async with self.store.read() as connection:
            return await connection.scalar(select(func.count()).select_from(ClickEvent)) or 0


@asynccontextmanager
async def running_gateway(
    database_url: str, click_api: ClickApi = rest, *, app: str = APP, **settings: str
) -> AsyncIterator[Gateway]:
    """Serve a gateway on the loopback address, in this process."""
    environment = {PREFIX + name.upper(): value for name, value in settings.items()}
    with (
        patch.dict(os.environ, {PREFIX + "DATABASE_URL": database_url, **environment}),
        what_all_gateways_share(),
    ):
        config = uvicorn.Config(
            app,
            factory=True,
            port=0,
            log_config=None,
            access_log=False,
            http=BoundedProtocol,
            lifespan="on",
            ws=BoundedSocket,
            ws_max_size=BODY_BYTES,
            proxy_headers=False,
        )
        known = Settings()  # read once, which takes as long as a request
        with patch("gateway.app.Settings", lambda: known):
            async with (
                running_server(config) as port,
                offline_services(known) as services,
                # Certificates are not needed, and loading them takes as long as a whole test.
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, verify=False) as http,
            ):
                yield Gateway(http, services.store, Context(services, viewer=ADMINISTRATOR), click_api)


async def make_link(database_url: str, code: str = "PARTNER123") -> None:
    """Create a link, with its program and partner, in a database without a gateway."""
    with patch.dict(os.environ, {PREFIX + "DATABASE_URL": database_url}), what_all_gateways_share():
        async with offline_services(Settings()) as services:
            context = Context(services, viewer=ADMINISTRATOR)
            program = await programs.create(context, programs.NewProgram(name="A program"))
            partner = await partners.create(context, name="A partner")
            ids = {"program_id": program["id"], "partner_id": partner["id"]}
            await partners.join(context, **ids)
            await links.create(context, links.NewLink(code=code, **ids))


def body_of(answer: httpx.Response) -> Any:
    return json.loads(answer.content)
