"""Visitors who click, sign up, buy and return some of it, each request retried until it is answered.

What was answered is noted. Afterwards it is compared with the database, since an answer is a promise.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from db.engine.store import Store
from db.schema.commissions import Commission
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from tests.benchmarks.databases import CODES
from tests.benchmarks.script_result import Wrong
from tests.benchmarks.servers import HOST
from tests.benchmarks.visitors import Answer, NoAnswer, Visitor, click

# Between two attempts; short, in order to detect a recovery at once.
RETRY_SECONDS = 0.05
# A request without an answer this long after the end of the load is considered hanging.
DRAIN_SECONDS = 30
LARGEST_AMOUNT = 100_000
MOST_REFUNDS = 3
TWIN_SHARE = 0.1


@dataclass(slots=True)
class SoldBook:
    """All answers so far: signed-up customers by key, sales by transaction id, and what was refunded of each sale and
    taken off its commission."""

    leads: dict[str, str] = field(default_factory=dict)
    sales: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The id and the commission's id."""
    refunded: Counter[str] = field(default_factory=Counter)
    deducted: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    slowest_seconds: float = 0.0
    answered_at: float = 0.0
    problems: Counter[str] = field(default_factory=Counter)

    async def answers_again(self, seconds: float) -> float:
        """Wait for the next answer; return how long it took. Raises `Wrong` if none comes in time."""
        asked = time.monotonic()
        while self.answered_at < asked:
            if time.monotonic() > asked + seconds:
                raise Wrong(f"nothing was recorded within {seconds} seconds after the recovery")
            await asyncio.sleep(0.01)
        return self.answered_at - asked

    def note(self, answer: Answer) -> bool:
        """Note an answer; return whether it is final."""
        self.slowest_seconds = max(self.slowest_seconds, answer.seconds)
        if answer.status in (200, 409):
            self.answered_at = time.monotonic()
            return True
        if answer.status == 503 and answer.headers.get("retry-after", "").isdigit():
            self.refused += 1
        else:
            self.problems[f"answered {answer.status} {answer.body!r:.200}"] += 1
        return False

    async def wrong(self, url: str) -> list[str]:
        """Return the differences between the answers and what is stored."""
        store = Store(url)
        try:
            async with store.read() as connection:
                signed_up = set((await connection.scalars(_SIGNED_UP)).all())
                found = {row.transaction_id: row for row in await connection.execute(_SOLD)}
        finally:
            await store.close()
        wrong = [f"the lead of {key} is not stored" for key in self.leads.keys() - signed_up]
        for transaction_id, ids in self.sales.items():
            refunded = self.refunded[transaction_id]
            expected = (*ids, refunded, refunded, self.deducted[transaction_id])
            row = found.get(transaction_id)
            stored = None if row is None else tuple(row[1:])
            if stored != expected:
                wrong.append(f"sale {transaction_id} was answered as {expected}, and is stored as {stored}")
        return wrong


_SIGNED_UP = select(Customer.customer_key).join(
    LeadEvent, (LeadEvent.program_id == Customer.program_id) & (LeadEvent.customer_id == Customer.id)
)
_REFUNDS = (
    select(func.coalesce(func.sum(Refund.amount), 0))
    .where(Refund.program_id == Sale.program_id, Refund.sale_id == Sale.id)
    .scalar_subquery()
)
_SOLD = select(
    Sale.transaction_id, Sale.id, Commission.id, Sale.refunded, _REFUNDS.label("refunds"), Commission.clawed_back
).join(Commission, (Commission.program_id == Sale.program_id) & (Commission.sale_id == Sale.id))


@dataclass(slots=True)
class Customers:
    """A sequence of visitors on two connections."""

    port: int
    token: str
    random: Random
    book: SoldBook
    stopping: asyncio.Event

    async def run(self) -> None:
        """Send visits until stopped; the last one is finished."""
        with Visitor(self.port) as one, Visitor(self.port) as other:
            while not self.stopping.is_set():
                await self._visit(one, other)

    async def _visit(self, one: Visitor, other: Visitor) -> None:
        name = str(UUID(int=self.random.getrandbits(128)))
        clicked = await self._answer(one, "click", click(self.random.choice(CODES), event_id=name))
        lead = {"click_id": clicked["click_id"], "customer_key": f"user-{name}", "email": f"{name}@example.com"}
        await self._answer(one, "lead", lead)
        self.book.leads[f"user-{name}"] = clicked["click_id"]
        amount = self.random.randint(1000, LARGEST_AMOUNT)
        sale = {"transaction_id": f"txn-{name}", "amount_cents": amount, "customer_key": f"user-{name}"}
        # Some back ends send a sale twice at once.
        senders = (one, other) if self.random.random() < TWIN_SHARE else (one,)
        sold = await asyncio.gather(*(self._answer(sender, "sale", sale) for sender in senders))
        ids = {(answer["sale_id"], answer["commission_id"]) for answer in sold}
        if len(ids) > 1:
            self.book.problems[f"one sale was answered with {ids}"] += 1
        self.book.sales[f"txn-{name}"] = ids.pop()
        await self._return(one, f"txn-{name}", amount)

    async def _return(self, visitor: Visitor, transaction_id: str, amount: int) -> None:
        for number in range(self.random.randint(0, MOST_REFUNDS)):
            part = self.random.randint(1, amount // MOST_REFUNDS)
            refund = {"transaction_id": transaction_id, "refund_amount_cents": part, "refund_id": str(number)}
            refunded = await self._answer(visitor, "refund", refund)
            self.book.refunded[transaction_id] += part
            self.book.deducted[transaction_id] += round(refunded["deductionAmount"] * 100)

    async def _answer(self, visitor: Visitor, kind: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a request until it is answered; return the answer."""
        sent = _request(kind, body, self.token)
        while True:
            try:
                answer = await visitor.send(sent)
            except NoAnswer:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self.book.note(answer):
                found: Mapping[str, Any] = answer.body
                return found
            if self.book.problems:
                raise Wrong("\n".join(self.book.problems))
            await asyncio.sleep(RETRY_SECONDS)


def _request(kind: str, body: Mapping[str, Any], token: str) -> bytes:
    encoded = json.dumps(body).encode()
    head = (
        f"POST /api/v1/track/{kind} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(encoded)}\r\n\r\n"
    )
    return head.encode() + encoded


@asynccontextmanager
async def converting(port: int, token: str, random: Random, book: SoldBook, senders: int) -> AsyncIterator[None]:
    """Send visits during the block, then finish the last ones. Raises `Wrong` if some are never answered."""
    stopping = asyncio.Event()
    tasks: Sequence[asyncio.Task[None]] = [
        asyncio.create_task(Customers(port, token, random, book, stopping).run()) for _ in range(senders)
    ]
    try:
        yield
    finally:
        stopping.set()
        done, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()
    if late:
        raise Wrong(f"{len(late)} visits were not finished within {DRAIN_SECONDS} seconds of trying")
    for task in done:
        task.result()
