"""A merchant: a program with a link, whose site and back end report conversions to a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, product
from typing import Any

import httpx
from sqlalchemy import insert, update

from db.schema.clicks import ClickEvent
from db.schema.commissions import Commission, CommissionRule
from db.schema.customers import Customer
from tests.support.conversion_apis import ConversionApi, rest
from tests.support.gateways import Gateway, body_of

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
_transactions = count(1)
READINESS = "/api/v1/programs/me/readiness"
STATUS = "/api/v1/cli/status"


@dataclass(frozen=True, slots=True)
class Merchant:
    """A program with a link and a tracking token. Conversions are sent through `conversion_api`."""

    gateway: Gateway
    program_id: int
    code: str
    token: str
    conversion_api: ConversionApi = rest

    async def visitor(self) -> str:
        """Send a click of a new visitor; return the click id."""
        return str(body_of(await self.gateway.track(self.code))["click_id"])

    async def lead(self, *, by_server: bool = False, **fields: Any) -> httpx.Response:
        """Send a lead from a browser, or from the merchant's server."""
        return await self.conversion_api(self.gateway.http, "lead", fields, self.token if by_server else None)

    async def sale(self, **fields: Any) -> httpx.Response:
        """Send a sale of 100.00 USD, unless other fields are given."""
        sent = {"transaction_id": f"txn_{next(_transactions)}", "amount_cents": 10_000, **fields}
        return await self.conversion_api(self.gateway.http, "sale", sent, self.token)

    async def refund(self, transaction_id: str, **fields: Any) -> httpx.Response:
        sent = {"transaction_id": transaction_id, **fields}
        return await self.conversion_api(self.gateway.http, "refund", sent, self.token)

    async def customer(self, click_id: str) -> dict[str, Any]:
        """Return a customer's row."""
        return next(row for row in await self.gateway.customers() if row["click_id"] == click_id)

    async def age(self, click_id: str, days: float) -> None:
        """Move a visitor's clicks into the past."""
        customer = await self.customer(click_id)
        earlier = timedelta(days=days)
        moved = update(ClickEvent).where(ClickEvent.customer_id == customer["id"])
        for event in await self.gateway.events():
            if event["customer_id"] == customer["id"]:
                at = event["occurred_at"] - earlier
                await self.gateway.execute(moved.where(ClickEvent.id == event["id"]).values(occurred_at=at))
        this = update(Customer).where(Customer.id == customer["id"])
        times = {name: customer[name] - earlier for name in ("last_click_at", "created_at")}
        await self.gateway.execute(this.values(**times))

    async def rule(self, **values: Any) -> None:
        """Set a commission of 25 % on sales, unless other values are given."""
        usual = {"event": "sale", "kind": "percent", "basis_points": 2500, "effective_from": BEGINNING}
        await self.gateway.execute(insert(CommissionRule).values(program_id=self.program_id, **{**usual, **values}))

    async def commissions(self) -> list[dict[str, Any]]:
        return await self.gateway.rows(Commission)


async def make_merchant(
    gateway: Gateway, code: str = "PARTNER123", conversion_api: ConversionApi = rest, **fields: Any
) -> Merchant:
    """Create a program with a link, a partner and a tracking token."""
    program: Mapping[str, Any] = await gateway.program(**fields)
    await gateway.link(code, program=program)
    token = await gateway.token("tracking", program_id=program["id"])
    return Merchant(gateway, program["id"], code, token, conversion_api)


def each(fields: str, *values: Any) -> list[tuple[str, Any]]:
    """Return each of some fields, named with spaces between, with each of some values."""
    return [*product(fields.split(), values)]


async def asked(merchant: Merchant, path: str = READINESS, token: str | None = None, **query: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or merchant.token}"}
    return await merchant.gateway.http.get(path, params=query, headers=headers)
