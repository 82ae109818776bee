"""Clients that follow a list: they page forward, and later continue from the last `endCursor`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from db.schema.clicks import ClickEvent
from graph.query.global_ids import encode_id
from tests.support.gateways import Gateway, body_of

# Generous, because the gateways run on the same busy machine.
SECONDS = 60
PAGE = """query ($size: Int, $cursor: String) {
  LIST { nodes { id FIELDS } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
}"""
FORWARD = "(first: $size, after: $cursor, orderBy: {field: ORDER, direction: ASC})"
# Returns the same rows in the same direction, from the end of a descending list.
BACKWARD = "(last: $size, before: $cursor, orderBy: {field: ORDER, direction: DESC})"


@dataclass
class Follower:
    """A client that follows one of a gateway's lists, such as `clickEvents`, and records the rows in order of arrival.
    For a list nested in an object, `template` is the query, with LIST in place of the connection."""

    gateway: Gateway
    token: str
    order: str
    name: str = "clickEvents"
    template: str = "LIST"
    fields: str = "occurredAt"
    is_backward: bool = False
    size: int = 3
    cursor: str | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]

    async def catch_up(self) -> Sequence[str]:
        """Read all further pages; return the new ids."""
        before = len(self.rows)
        while await self._page():
            pass
        return self.ids[before:]

    async def until(self, count: int) -> None:
        """Follow until a number of rows have arrived."""
        async with asyncio.timeout(SECONDS):
            while len(self.rows) < count:
                await self.catch_up()
                await asyncio.sleep(0.05)

    async def _page(self) -> bool:
        asked = (BACKWARD if self.is_backward else FORWARD).replace("ORDER", self.order)
        connection = f"{self.name}{asked} {PAGE[PAGE.index('LIST') + 4 : PAGE.rindex('}')]}"
        query = f"query ($size: Int, $cursor: String) {{ {self.template.replace('LIST', connection)} }}"
        query = query.replace("FIELDS", self.fields)
        answer = await self.gateway.graphql(query, {"size": self.size, "cursor": self.cursor}, token=self.token)
        assert "errors" not in answer, answer
        page = answer["data"]
        while "nodes" not in page:
            (page,) = page.values()
        info = page["pageInfo"]
        end, more = ("startCursor", "hasPreviousPage") if self.is_backward else ("endCursor", "hasNextPage")
        self.rows += reversed(page["nodes"]) if self.is_backward else page["nodes"]
        if not page["nodes"]:
            assert info[end] == self.cursor
        self.cursor = info[end]
        return bool(info[more])


async def track(gateway: Gateway, code: str, **fields: Any) -> str:
    answer = await gateway.track(code, **fields)
    assert answer.status_code == 200, answer.text
    return str(body_of(answer)["click_id"])


async def events_in(gateway: Gateway, *columns: Any) -> list[str]:
    """Return the ids of all events, ordered by columns."""
    async with gateway.store.read() as connection:
        found = await connection.execute(select(ClickEvent.program_id, ClickEvent.id).order_by(*columns))
        return [encode_id("ClickEvent", *key) for key in found.all()]


def of_customers(gateway: Gateway, token: str, *, is_backward: bool = False) -> Follower:
    fields = "updatedAt clickId partner { name }"
    return Follower(gateway, token, "UPDATED_AT", name="customers", fields=fields, is_backward=is_backward)
