"""Reports of conversions stay exact while two gateways on one database record and aggregate them, and one is killed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from db.audit.report import audit
from db.lookups.tokens import NewToken
from db.schema.rollups import ConversionRollup
from graph.domain import tokens
from graph.reports.calendars import Interval
from graph.reports.dimensions import Dimension
from graph.reports.requests import ReportFilter, ReportRequest, Top
from tests.graph.test_conversion_reports import check_report
from tests.support.conversion_apis import authorization
from tests.support.conversion_history import conversion_aggregation, facts, prepare
from tests.support.databases import MakeDatabase
from tests.support.processes import kill, serving
from tests.support.report_world import ADMIN, LINKS, World

pytestmark = pytest.mark.slow

ROUNDS = 2
SHOPPERS = 8
# The gateways aggregate every five seconds.
CHECKS_PER_ROUND, CHECK_SECONDS = 12, 0.5
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Googlebot/2.1")
TOPS = tuple(Top(by, with_conversions=True) for by in (Dimension.LINK, Dimension.BROWSER))


@dataclass(frozen=True, slots=True)
class Shoppers:
    """Visitors of two gateways, who try again until they are answered. `gateways` may change meanwhile."""

    gateways: list[str]
    tokens: Mapping[int, str]
    random: Random

    async def shop(self, numbers: Iterator[int]) -> None:
        """Click, sign up, buy and return some of it, forever."""
        async with httpx.AsyncClient(timeout=30) as http:
            for number in numbers:
                link = self.random.randint(1, len(LINKS))
                token = self.tokens[LINKS[link - 1][0]]
                url = f"https://yoursite.com/?aff=L{link}"
                agent = {"user-agent": self.random.choice(AGENTS)}
                click = await self._send(http, "click", {"affiliate_url": url, "event_id": f"c{number}"}, agent)
                named = {"click_id": click["click_id"]}
                await self._send(http, "lead", named, authorization(token))
                amount, currency = self.random.randint(1, 9999), self.random.choice(["USD", "EUR"])
                transaction = {"transaction_id": f"t{number}"}
                sale = {**transaction, **named, "amount_cents": amount, "currency": currency}
                await self._send(http, "sale", sale, authorization(token))
                if number % 3 == 0:
                    refund = {**transaction, "refund_amount_cents": (amount + 1) // 2, "refund_id": f"r{number}"}
                    await self._send(http, "refund", refund, authorization(token))

    async def _send(
        self, http: httpx.AsyncClient, kind: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        recorded = {200}
        while True:
            try:
                answer = await http.post(
                    f"{self.random.choice(self.gateways)}/api/v1/track/{kind}", json=body, headers=dict(headers)
                )
            except httpx.TransportError:
                # The gateway may have been killed between its commit and its answer.
                recorded |= {409} if kind == "sale" else set()
                await asyncio.sleep(0.02)
                continue
            if answer.status_code in recorded:
                found: Mapping[str, Any] = answer.json()
                return found
            # A standstill may outlast a gateway's patience with its database.
            assert answer.status_code == 503, answer.text


@asynccontextmanager
async def standstill(world: World) -> AsyncIterator[None]:
    """Let nothing more be recorded, while what is recorded is still aggregated."""
    async with world.store.write() as connection:
        # Each batch writes to this table; consumers read it.
        await connection.execute(text("LOCK TABLE outbox_ranges IN SHARE MODE"))
        yield


def requests() -> Sequence[ReportRequest]:
    """Return reports over the last day and the next, from an odd minute on."""
    start = datetime.now(UTC).replace(second=7, microsecond=0) - timedelta(days=1)
    whole = {"conversion_totals": True, "series": (Interval.DAY,), "conversion_series": (Interval.DAY,), "tops": TOPS}
    return [
        ReportRequest(start, start + timedelta(days=2), "Europe/Berlin", ReportFilter(is_bot=is_bot), **whole)  # type: ignore[arg-type]
        for is_bot in (None, False, True)
    ]


async def check(world: World, *, at_rest: bool = False) -> None:
    """Compare reports with a recount of the same moment."""
    asked = requests()
    async with nullcontext() if at_rest else standstill(world):
        stored, known = await world.events(), await facts(world)
        reports = [await world.report(request) for request in asked]
    for request, report in zip(asked, reports, strict=True):
        check_report(report, request, ADMIN, stored, known)


async def aggregated(world: World) -> int:
    async with world.store.read() as connection:
        return await connection.scalar(select(func.count()).select_from(ConversionRollup)) or 0


async def test_reports_equal_a_recount_while_a_gateway_that_records_sales_is_killed(
    make_postgres: MakeDatabase,
) -> None:
    url = make_postgres()
    world = await World.make(url)
    await prepare(world)
    secrets = {id: (await tokens.issue(world.context, NewToken("tracking", program_id=id)))[0] for id in (1, 2)}
    async with AsyncExitStack() as stack:
        served = [await stack.enter_async_context(serving(url)) for _ in range(2)]
        shoppers = Shoppers([base for _, base in served], secrets, Random(7))
        numbers = count()
        async with asyncio.TaskGroup() as group:
            shopping = [group.create_task(shoppers.shop(numbers)) for _ in range(SHOPPERS)]
            for number in range(ROUNDS):
                for _ in range(CHECKS_PER_ROUND):
                    await asyncio.sleep(CHECK_SECONDS)
                    await check(world)
                assert await aggregated(world)
                await kill(served[number][0])
                await check(world)
                process, shoppers.gateways[number] = await stack.enter_async_context(serving(url))
                served.append((process, shoppers.gateways[number]))
            for task in shopping:
                task.cancel()
    await check(world, at_rest=True)
    for runner in (conversion_aggregation(world), world.aggregation()):
        await runner.run_all()
        await runner.close()
    await check(world, at_rest=True)
    assert len(await facts(world)) > 100
    assert not (await audit(world.store)).differences
    await world.close()
