"""How far a program's setup has come, step by step, which hosts of its site have the tracker, and which codes its
visitors bring that no link has."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.clicks import ClickEvent
from db.schema.integrations import TrackerSite, UnknownCode
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid, UnknownProgram, outages
from graph.domain.permissions import check_manager, check_manager_of
from graph.domain.site_domains import site_and_path
from graph.integrations.readiness import Readiness, State, readiness_of

StepName = Literal["profile", "commission_rule", "partner", "link", "tracker", "test_conversion"]

# The hosts of the latest clicks are looked at; of a URL only so much, which holds any host.
LATEST_CLICKS, URL_BEGINNING = 1000, 512
MOST_SITES = 20


class Step(Struct, frozen=True):
    """A step of the setup."""

    name: StepName
    is_done: bool


class Site(Struct, frozen=True):
    """A host of the program's site: when its pages last loaded the script (to the hour), and when one of the latest
    clicks landed there."""

    host: str
    script_seen_at: datetime | None
    click_seen_at: datetime | None


class UnknownCodeSeen(Struct, frozen=True):
    """A code that no link has, and the landings that brought it."""

    code: str
    clicks: int
    last_page: str
    first_seen_at: datetime
    last_seen_at: datetime


class Setup(Struct, frozen=True):
    """A program's setup. Sites come with the latest first, codes with the one that came most often."""

    program_id: int
    state: State
    steps: Sequence[Step]
    sites: Sequence[Site]
    unknown_codes: Sequence[UnknownCodeSeen]


def managed_program(context: Context, named: int | None) -> int:
    """Return the id of the program that a manager names, or of its own. Raises `Unauthenticated`, `Forbidden`,
    `FieldInvalid` for an administrator who names none, `UnknownProgram`."""
    program_id = check_manager(context).program_id if named is None else named
    if program_id is None:
        raise FieldInvalid("program_id", "is required for an administrator's token")
    check_manager_of(context, program_id)
    return program_id


async def read_setup(context: Context, named: int | None) -> Setup:
    """Return the setup of a program. Raises as `managed_program` does, and `DatabaseAway`."""
    program_id = managed_program(context, named)
    with outages():
        await context.services.tracker_sites.write()
        await context.services.unknown_codes.write()
        async with context.services.store.read() as connection:
            existing = await _existing(connection, program_id)
            sites = await _sites(connection, program_id)
            codes = await _unknown_codes(connection, program_id)
        readiness = await readiness_of(context, program_id)
    return Setup(program_id, readiness.state, _steps(readiness, existing), sites, codes)


def _steps(readiness: Readiness, existing: Mapping[str, bool]) -> Sequence[Step]:
    gates, last = readiness.gates, readiness.last_event_at
    return (
        Step("profile", gates["profile"].status == "pass"),
        Step("commission_rule", gates["economics"].status == "pass"),
        Step("partner", existing["partner"]),
        Step("link", existing["link"]),
        Step("tracker", gates["tracking"].status == "pass"),
        Step("test_conversion", gates["live"].status == "pass" or last.sale is not None),
    )


async def _existing(connection: AsyncConnection, program_id: int) -> Mapping[str, bool]:
    partner = exists().where(PartnerProgram.program_id == program_id)
    link = exists().where(ReferralLink.program_id == program_id)
    asked = select(partner.label("partner"), link.label("link")).where(Program.id == program_id)
    found = (await connection.execute(asked)).one_or_none()
    if found is None:
        raise UnknownProgram
    return {"partner": bool(found.partner), "link": bool(found.link)}


async def _sites(connection: AsyncConnection, program_id: int) -> Sequence[Site]:
    stored = select(TrackerSite.host, TrackerSite.seen_at).where(TrackerSite.program_id == program_id)
    scripts: dict[str, datetime] = {row.host: row.seen_at for row in await connection.execute(stored)}
    latest = (
        select(func.substr(ClickEvent.affiliate_url, 1, URL_BEGINNING), ClickEvent.occurred_at)
        .where(ClickEvent.program_id == program_id)
        .order_by(ClickEvent.occurred_at.desc(), ClickEvent.id.desc())
        .limit(LATEST_CLICKS)
    )
    clicks: dict[str, datetime] = {}
    for url, occurred_at in await connection.execute(latest):
        page = site_and_path(url)
        if page is not None:
            clicks.setdefault(page[0], occurred_at)
    sites = [Site(host, scripts.get(host), clicks.get(host)) for host in scripts.keys() | clicks.keys()]
    sites.sort(key=lambda site: (_latest(site), site.host), reverse=True)
    return sites[:MOST_SITES]


def _latest(site: Site) -> datetime:
    return max(moment for moment in (site.script_seen_at, site.click_seen_at) if moment is not None)


async def _unknown_codes(connection: AsyncConnection, program_id: int) -> Sequence[UnknownCodeSeen]:
    fields = [getattr(UnknownCode, name) for name in UnknownCodeSeen.__struct_fields__]
    known = exists().where(ReferralLink.code == UnknownCode.code)
    order = UnknownCode.clicks.desc(), UnknownCode.last_seen_at.desc(), UnknownCode.code
    asked = select(*fields).where(UnknownCode.program_id == program_id, ~known).order_by(*order)
    return [UnknownCodeSeen(*row) for row in await connection.execute(asked)]
