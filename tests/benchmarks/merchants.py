"""A merchant in a benchmark's database: a commission rule, a token, and customers who have clicked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from db.engine.store import Store
from db.ingest.clicks.records import Click, VisitRecord
from db.ingest.committer import Committer
from db.ingest.writer import Writer
from db.lookups.tokens import NewToken
from db.schema.links import ReferralLink
from gateway.configuration.settings import Settings
from gateway.metrics import WriterMetrics
from gateway.services import offline_services, recorders
from graph.domain import commission_rules, tokens
from graph.domain.commission_rules import NewRule
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR

CLICKS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Merchant:
    """A token that may record conversions, and the click ids of customers who have not converted yet."""

    token: str
    click_ids: Sequence[str]


def prepare_merchant(url: str, program_id: int, customers: int) -> Merchant:
    """Give a program of a prepared database a rule of 20 % for sales, one for leads, a token and customers."""
    return asyncio.run(_prepare(url, program_id, customers))


async def _prepare(url: str, program_id: int, customers: int) -> Merchant:
    async with offline_services(Settings(database_url=url)) as services:
        context = Context(services, viewer=ADMINISTRATOR)
        await commission_rules.create(context, NewRule(program_id, "sale", "percent", basis_points=2000))
        await commission_rules.create(context, NewRule(program_id, "lead", "fixed", amount=50, currency="USD"))
        token, _ = await tokens.issue(context, NewToken("tracking", program_id))
        return Merchant(token, await _clicks(services.store, program_id, customers))


async def _clicks(store: Store, program_id: int, customers: int) -> Sequence[str]:
    """Record clicks of new customers, spread over the program's links; return their click ids."""
    async with store.read() as connection:
        of_program = select(ReferralLink.id, ReferralLink.partner_id).where(ReferralLink.program_id == program_id)
        links = [(row.id, row.partner_id) for row in await connection.execute(of_program)]
    writer = Writer(Committer(store, recorders(store.database)), queue_size=CLICKS_AT_ONCE, observer=WriterMetrics())
    writer.start()
    click_ids: list[str] = []
    while len(click_ids) < customers:
        numbers = range(len(click_ids), min(len(click_ids) + CLICKS_AT_ONCE, customers))
        clicks = (
            Click(
                datetime.now(UTC), program_id, *links[number % len(links)], "https://store.example.com/", VisitRecord()
            )
            for number in numbers
        )
        receipts = await asyncio.gather(*map(writer.record, clicks))
        click_ids += [receipt.click_id for receipt in receipts]
    await writer.close()
    return click_ids
