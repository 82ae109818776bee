"""Fills a database with the demonstration: a program, its partners and links, and their visitors' clicks.

The clicks go through the click writer like any visitor's, only with moments of the past.
"""

import asyncio
from collections.abc import Sequence
from random import Random

from sqlalchemy import select

from db.lookups.link_records import KnownLink
from db.schema.links import ReferralLink
from db.schema.programs import Program
from gateway.demo.visitors import PARTNERS, click, moments
from gateway.errors import NotEmpty
from gateway.services import now, running_services
from gateway.settings import Settings
from graph.domain import links, partners, programs
from graph.domain.context import Context, Services
from graph.domain.permissions import ADMINISTRATOR

SEED = 20260101
# How many clicks go to the writer at a time; it makes batches of them.
PORTION = 500


async def fill(settings: Settings) -> None:
    """Fill an empty database; leave one that is filled already as it is. Raises `NotEmpty` for any other."""
    async with running_services(settings) as services:
        async with services.store.read() as connection:
            has_programs = await connection.scalar(select(Program.id).limit(1)) is not None
            codes = select(ReferralLink.code, ReferralLink.status)
            statuses = {row.code: row.status for row in await connection.execute(codes)}
        # Whoever tries the dashboard may have paused a link.
        if "active" in statuses.values() and all(partner.code in statuses for partner in PARTNERS):
            return
        if has_programs:
            raise NotEmpty(
                f"{services.store.name} holds other programs, or half a demonstration: "
                "remove it, or name another one in CLICKGATE_DATABASE_URL"
            )
        known = await _make_links(services)
        await _make_clicks(services, known, portion=min(PORTION, settings.queue_clicks))
        # Active at last: an interrupted demonstration is not taken for a whole one.
        for partner in PARTNERS:
            await links.resume(Context(services, viewer=ADMINISTRATOR), partner.code)


async def _make_links(services: Services) -> Sequence[KnownLink]:
    context = Context(services, viewer=ADMINISTRATOR)
    program = await programs.create(context, name="YourSite", domain="yoursite.com")
    known: list[KnownLink] = []
    for partner in PARTNERS:
        made = await partners.create(context, name=partner.name, program_ids=[program["id"]])
        link = await links.create(
            context,
            code=partner.code,
            program_id=program["id"],
            partner_id=made["id"],
            destination_url="https://yoursite.com/pricing",
            status="inactive",
        )
        known.append(KnownLink(link["id"], partner.code, True, program["id"], made["id"], link["version"]))
    return known


async def _make_clicks(services: Services, known: Sequence[KnownLink], *, portion: int) -> None:
    random = Random(SEED)  # noqa: S311  it draws a picture, not a secret
    when = list(moments(random, now()))
    issued: list[str] = []
    for start in range(0, len(when), portion):
        clicks = [click(services, random, known, at, issued) for at in when[start : start + portion]]
        receipts = await asyncio.gather(*map(services.writer.record, clicks))
        issued += [receipt.click_id for receipt in receipts]
