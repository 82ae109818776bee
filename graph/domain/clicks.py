"""Records clicks, for REST, GraphQL and any other API.

`track` follows the specification's order of checks and its steps on success.
"""

from collections.abc import Sequence

from msgspec import Struct

from db.ingest.clicks.records import Click, TestClick
from db.lookups.link_records import KnownLink
from graph.domain.affiliate_urls import read_affiliate_url, without_damage
from graph.domain.context import Context, Services
from graph.domain.enrichment import visit_record
from graph.domain.errors import (
    NOT_RECORDED,
    AffiliateUrlInvalid,
    AffiliateUrlMissing,
    AffMissing,
    FieldInvalid,
    LinkInactive,
    LinkMisconfigured,
    UnknownLink,
    outages,
)
from graph.domain.fields import CODE
from graph.domain.site_domains import site_and_path
from graph.domain.tracked_tests import TrackedTest, checked_program, find_program, is_test, named_program
from graph.domain.visit import Visit

CODE_LENGTH = 64
EVENT_ID_LENGTH = 64


class TrackedClick(Struct, frozen=True, gc=False):
    """A committed click: what the tracker stores in its cookie."""

    click_id: str
    partner_code: str
    cookie_window_days: int
    replayed: bool


async def track(context: Context, visit: Visit, unreadable: Sequence[str] = ()) -> TrackedClick | TrackedTest:
    """Record a click through a referral link, or a test event. Returns once it is committed.

    `unreadable` names the fields with a wrong type, in order; they are absent from the visit, and reported in their
    turn. Raises, in this order: `AffiliateUrlMissing`, `AffiliateUrlInvalid`, `AffMissing`, `FieldInvalid`,
    `UnknownLink`, `LinkMisconfigured`, `LinkInactive`, `TryLater`; for a test event `UnknownProgram`, `TryLater`.
    """
    with outages(NOT_RECORDED):
        data = visit.additional_data
        if data is not None and is_test(data):
            return await _track_test(context, visit, data.get("program_id"))
        affiliate_url = _affiliate_url(visit, unreadable)
        code, parameters = read_affiliate_url(affiliate_url)
        if code is None:
            raise AffMissing
        _check_fields(visit, unreadable)
        checked = checked_program(code)
        if checked is not None:
            return await _track_test(context, visit, checked)
        link = await _find_link(context, affiliate_url, code)
        if link.program_id is None or link.partner_id is None:
            raise LinkMisconfigured
        if not context.services.directory.takes_clicks(link):
            raise LinkInactive
        program = await find_program(context, link.program_id)
        receipt = await context.services.writer.record(
            Click(
                program_id=program.id,
                link_id=link.id,
                partner_id=link.partner_id,
                received_at=context.services.clock(),
                affiliate_url=affiliate_url.replace("\0", ""),
                # Without NULs, the names of parameters may be others.
                visit=visit_record(context, visit, None if "\0" in affiliate_url else parameters),
            )
        )
        if receipt.link_id != link.id:  # a replay of a click through another link
            link = await context.services.directory.link(receipt.link_id) or link
        return TrackedClick(receipt.click_id, link.code, program.cookie_window_days, receipt.replayed)


def _affiliate_url(visit: Visit, unreadable: Sequence[str]) -> str:
    if "affiliate_url" in unreadable:
        raise AffiliateUrlInvalid
    if not visit.affiliate_url:
        raise AffiliateUrlMissing
    return visit.affiliate_url


def _check_fields(visit: Visit, unreadable: Sequence[str]) -> None:
    for field in unreadable:
        raise FieldInvalid(field, "has the wrong type")
    event_id = visit.event_id
    if event_id is not None and (not 1 <= len(event_id) <= EVENT_ID_LENGTH or "\0" in event_id):
        raise FieldInvalid("event_id", f"must have 1 to {EVENT_ID_LENGTH} characters")


async def _find_link(context: Context, affiliate_url: str, code: str) -> KnownLink:
    """Return the link with this code, or else with the code that remains when damage is cut from its end.

    Raises `UnknownLink`, which is counted and noted by code.
    """
    find = context.services.directory.find
    if _is_possible(code) and (link := await find(code)) is not None:
        return link
    undamaged = without_damage(code)
    if undamaged != code and _is_possible(undamaged) and (link := await find(undamaged)) is not None:
        return link
    _note_unknown(context.services, affiliate_url, undamaged)
    raise UnknownLink


def _note_unknown(services: Services, affiliate_url: str, code: str) -> None:
    if not CODE.fullmatch(code):
        services.count_unknown(None)
        return
    services.count_unknown(code)
    page = site_and_path(affiliate_url)
    if page is not None:
        services.unknown_codes.note(code, *page)


def _is_possible(code: str) -> bool:
    return 1 <= len(code) <= CODE_LENGTH and "\0" not in code


async def _track_test(context: Context, visit: Visit, named: object) -> TrackedTest:
    services = context.services
    program_id = await named_program(context, named)
    affiliate_url = visit.affiliate_url
    click = TestClick(
        program_id=program_id,
        received_at=services.clock(),
        affiliate_url=None if affiliate_url is None else affiliate_url.replace("\0", ""),
        visit=visit_record(context, visit),
    )
    return TrackedTest(await services.writer.record(click), program_id)
