"""Checks whether the tracker is installed on a page: inspects it, and waits for the click that a visit of it sends.

The visit's URL has a code that no link can have. The tracker sends it like any other, and the click becomes a test
event of the program, so that the whole way is tried and nothing is counted.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

from msgspec import Struct
from sqlalchemy import select

from db.lookups.site_programs import domains_of
from db.schema.clicks import ClickTestEvent
from db.schema.programs import Program
from graph.domain.affiliate_urls import read_affiliate_url
from graph.domain.context import Context
from graph.domain.errors import AffiliateUrlInvalid, FieldInvalid, UnknownProgram, outages
from graph.domain.fields import CHECK_PREFIX, url_field
from graph.domain.site_domains import InvalidDomain, normalized_domain, site_and_path
from graph.domain.tracked_tests import checked_program
from graph.integrations.page_inspection import Expected, Inspection, inspect_page
from graph.integrations.setup import managed_program

CODE_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
CODE_LENGTH = 16
NO_PROGRAM = 0
# For so long a check's click is waited for. Of that time's test events, the latest are looked at.
WAIT, LATEST_EVENTS = timedelta(minutes=30), 500


class InstallationCheck(Struct, frozen=True):
    """A check that has begun: the page to visit, the code that the visit's click will have, and what the page's HTML
    and headers tell."""

    code: str
    url: str
    page: Inspection


class Arrival(Struct, frozen=True):
    """The click of a check: when it came, and from which page."""

    arrived_at: datetime
    page: str


async def start_check(context: Context, named: int | None, url: str, origin: str) -> InstallationCheck:
    """Inspect a page of a program's site. `origin` is the gateway's, as the merchant's browser reaches it. Raises as
    `managed_program` does, `FieldInvalid` for a page of another site, `RateLimited`, `DatabaseAway`."""
    program_id = managed_program(context, named)
    url, origin = url_field("url", url), url_field("origin", origin)
    await _check_site(context, program_id, url)
    checks = context.services.site_checks
    checks.count(program_id)
    expected = Expected(program_id, origin.rstrip("/"), checks.script_paths, checks.root_path + checks.click_path)
    page = await inspect_page(url, expected, allow_private=checks.allow_private)
    code = f"{CHECK_PREFIX}{program_id}_" + "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return InstallationCheck(code, _with_code(url, code), page)


async def find_arrival(context: Context, code: str) -> Arrival | None:
    """Return the click that a check's visit has sent, or None while there is none. Raises `Unauthenticated`,
    `Forbidden`, `UnknownProgram`, `DatabaseAway`."""
    program_id = checked_program(code)
    managed_program(context, program_id or NO_PROGRAM)
    if program_id is None:
        return None
    latest = (
        select(ClickTestEvent.occurred_at, ClickTestEvent.affiliate_url)
        .where(
            ClickTestEvent.program_id == program_id,
            ClickTestEvent.occurred_at > context.services.clock() - WAIT,
        )
        .order_by(ClickTestEvent.occurred_at.desc(), ClickTestEvent.id.desc())
        .limit(LATEST_EVENTS)
    )
    with outages():
        async with context.services.store.read() as connection:
            events: Sequence[tuple[datetime, str | None]] = [(at, url) for at, url in await connection.execute(latest)]
    for arrived_at, url in events:
        if url is not None and code in url and _has_code(url, code):
            return Arrival(arrived_at, "".join(site_and_path(url) or ()))
    return None


def _has_code(url: str, code: str) -> bool:
    # Whoever sends a test event may send any text as its URL.
    try:
        return read_affiliate_url(url).code == code
    except AffiliateUrlInvalid:
        return False


async def _check_site(context: Context, program_id: int, url: str) -> None:
    """Raise `FieldInvalid` unless a page belongs to the program's site, if the program has a domain."""
    try:
        host = normalized_domain(url)
    except InvalidDomain as error:
        raise FieldInvalid("url", str(error)) from error
    with outages():
        async with context.services.store.read() as connection:
            found = (await connection.execute(select(Program.domain).where(Program.id == program_id))).one_or_none()
    if found is None:
        raise UnknownProgram
    domain = found[0]
    if domain is not None and domain not in domains_of(host):
        raise FieldInvalid("url", f"must be a page of {domain}, the program's domain, or of a subdomain")


def _with_code(url: str, code: str) -> str:
    """Return a page's URL with a code in place of its own."""
    scheme, host, path, query, fragment = urlsplit(url)
    kept = [part for part in query.split("&") if part and part.partition("=")[0] != "aff"]
    return urlunsplit((scheme, host, path, "&".join([urlencode({"aff": code}), *kept]), fragment))
