"""Fills a database with the demo's program, partners, links, clicks and conversions.

The clicks go through the click writer like any visitor's, only with times in the past.
"""

import asyncio
from collections.abc import Sequence
from random import Random

from msgspec import structs
from sqlalchemy import select

from db.lookups.link_records import KnownLink
from db.schema.commissions import CommissionRule
from db.schema.links import ReferralLink
from db.schema.programs import Program
from gateway.configuration.errors import NotEmpty
from gateway.configuration.settings import Settings
from gateway.demo.conversions import CURRENCY, Visitor, make_conversions, make_payouts, make_rules
from gateway.demo.visitors import PARTNERS, click, click_times, placed
from gateway.services import now, running_services
from graph.domain import links, partners, programs
from graph.domain.context import Context, Services
from graph.domain.permissions import ADMINISTRATOR

SEED = 20260101
# How many clicks are handed to the writer at a time.
CHUNK_CLICKS = 500


async def fill(settings: Settings) -> None:
    """Fill an empty database. If it already contains the demo, only add what an older version did not make. Raises
    `NotEmpty` for any other."""
    async with running_services(settings) as services:
        async with services.store.read() as connection:
            has_programs = await connection.scalar(select(Program.id).limit(1)) is not None
            codes = select(ReferralLink.code, ReferralLink.status)
            statuses = {row.code: row.status for row in await connection.execute(codes)}
        context = Context(services, viewer=ADMINISTRATOR)
        # The user may have paused a link while trying the dashboard.
        if "active" in statuses.values() and all(partner.code in statuses for partner in PARTNERS):
            await _complete(context)
            return
        if has_programs:
            raise NotEmpty(
                f"{services.store.name} contains other programs or an incomplete demo: "
                "remove it, or set CLICKGATE_DATABASE_URL to another database"
            )
        known = await _make_links(services)
        chunk = min(CHUNK_CLICKS, settings.queue_clicks)
        visitors = await _make_clicks(services, known, chunk=chunk)
        program_id = known[0].program_id or 0
        await make_rules(context, known, program_id)
        await make_conversions(context, program_id, visitors, chunk=chunk)
        await make_payouts(context, known)
        # The links become active last, so that an interrupted run is recognised as incomplete.
        for partner in PARTNERS:
            await links.resume(context, partner.code)


async def _complete(context: Context) -> None:
    """Create the commission rules in a demo from before there were any, and set the currency that they are in. Rules
    that the user has ended are left alone."""
    link = await context.services.directory.find(PARTNERS[0].code)
    if link is None:
        return
    program_id = link.program_id or 0
    rules = select(CommissionRule.id).where(CommissionRule.program_id == program_id).limit(1)
    async with context.services.store.read() as connection:
        if await connection.scalar(rules) is not None:
            return
    await programs.change(context, program_id, {"currency": CURRENCY})
    await make_rules(context, [link], program_id)


async def _make_links(services: Services) -> Sequence[KnownLink]:
    context = Context(services, viewer=ADMINISTRATOR)
    program = await programs.create(
        context, programs.NewProgram(name="YourSite", domain="yoursite.com", currency=CURRENCY)
    )
    known: list[KnownLink] = []
    for partner in PARTNERS:
        made = await partners.create(context, name=partner.name, program_ids=[program["id"]])
        link = await links.create(
            context,
            links.NewLink(
                code=partner.code,
                program_id=program["id"],
                partner_id=made["id"],
                destination_url="https://yoursite.com/pricing",
                status="inactive",
            ),
        )
        known.append(KnownLink(link["id"], partner.code, True, program["id"], made["id"], link["version"]))
    return known


async def _make_clicks(services: Services, known: Sequence[KnownLink], *, chunk: int) -> Sequence[Visitor]:
    """Record the clicks; return the people behind them, with their last clicks."""
    random = Random(SEED)  # noqa: S311  sample data, not a secret
    when = list(click_times(random, now()))
    issued: list[str] = []
    visitors: dict[str, Visitor] = {}
    found_in = placed(services)
    partners = {link.id: number for number, link in enumerate(known)}
    for start in range(0, len(when), chunk):
        clicks = [click(found_in, random, known, at, issued) for at in when[start : start + chunk]]
        receipts = await asyncio.gather(*map(services.writer.record, clicks))
        issued += [receipt.click_id for receipt in receipts]
        for made, receipt in zip(clicks, receipts, strict=True):
            if not structs.asdict(made.visit)["is_bot"]:
                visitors[receipt.click_id] = Visitor(receipt.click_id, partners[made.link_id], made.received_at)
    return list(visitors.values())
