"""The root of every query: lists, single rows, and who is asking."""

from typing import Any

import strawberry
from strawberry import ID

from db.ingest.pending_clicks import CLICK_ID
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.domain.permissions import viewer_of
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.query.entities import ENTITIES
from graph.query.global_ids import RowRef, decode_id, decode_key
from graph.schema import resolvers
from graph.schema.fields import answered, argument, listed, value
from graph.schema.inputs import (
    ApiTokenFilter,
    ApiTokenOrder,
    ClickEventFilter,
    CustomerFilter,
    CustomerOrder,
    EventOrder,
    PartnerFilter,
    PartnerOrder,
    PartnerProgramFilter,
    PartnerProgramOrder,
    ProgramFilter,
    ProgramOrder,
    ReferralLinkFilter,
    ReferralLinkOrder,
    TestEventFilter,
    TokenRole,
)
from graph.schema.reports import REPORT_ARGUMENTS, ClickReportType, click_report
from graph.schema.resolvers import page
from graph.schema.scalars import BigInt
from graph.schema.types import (
    ApiTokenType,
    ClickEventType,
    Connection,
    CustomerType,
    Node,
    PartnerProgramType,
    PartnerType,
    ProgramType,
    ReferralLinkType,
    TestEventType,
)

GLOBAL_ID = argument("id", ID | None, "Its global id.", default=None)
NUMBER = argument("database_id", BigInt | None, "Its number in the database.", default=None)


@strawberry.type(name="Viewer", description="Who is asking, as told by the token.")
class ViewerType:
    role: TokenRole = value("Whose data the token shows.")
    program: ProgramType | None = value("The program that the token is bound to.")
    partner: PartnerType | None = value("The partner that the token is bound to.")


async def viewer(context: Context, selection: SelectedField) -> CompletedValue:
    asking = viewer_of(context)
    program = None if asking.program_id is None else RowRef("Program", (asking.program_id,))
    partner = None if asking.partner_id is None else RowRef("Partner", (asking.partner_id,))
    values = {"role": asking.role.upper(), "program": program, "partner": partner}
    return await resolvers.compose(context, selection, values)


async def node(context: Context, selection: SelectedField) -> CompletedValue:
    ref = decode_id(selection.argument_values["id"])
    if ref.type_name not in ENTITIES or len(ref.key) != len(ENTITIES[ref.type_name].key):
        raise FieldInvalid("id", "is not an id of this API")
    return await resolvers.row_by_key(context, selection, ref)


async def numbered(context: Context, selection: SelectedField) -> CompletedValue:
    """Answer a row that is found by its number in the database, too."""
    name, value = _only(selection, "id", "databaseId")
    if name == "id":
        return await _by_id(context, selection, value)
    return await resolvers.row_by_key(context, selection, RowRef(selection.type.name, (value,)))


async def _by_id(context: Context, selection: SelectedField, id: str) -> CompletedValue:
    type_name = selection.type.name
    return await resolvers.row_by_key(context, selection, RowRef(type_name, decode_key(id, type_name, "id")))


async def referral_link(context: Context, selection: SelectedField) -> CompletedValue:
    name, value = _only(selection, "code", "id")
    if name == "id":
        return await _by_id(context, selection, value)
    return await resolvers.row(context, selection, "ReferralLink", "code", code=_text(name, value))


async def customer(context: Context, selection: SelectedField) -> CompletedValue:
    name, value = _only(selection, "clickId", "id")
    if name == "id":
        return await _by_id(context, selection, value)
    match = CLICK_ID.fullmatch(value)
    number = int(match[1]) if match else 0
    return await resolvers.row(context, selection, "Customer", "click_id", id=number, click_id=_text(name, value))


@strawberry.type(
    name="Query", description="What can be read. Whatever a token is not for looks as if it were not there."
)
class QueryType:
    programs: Connection[ProgramType] | None = listed("Programs, the latest first.", ProgramFilter, ProgramOrder, page)
    partners: Connection[PartnerType] | None = listed("Partners, the latest first.", PartnerFilter, PartnerOrder, page)
    partner_programs: Connection[PartnerProgramType] | None = listed(
        "Memberships with their metrics, the latest first.", PartnerProgramFilter, PartnerProgramOrder, page
    )
    referral_links: Connection[ReferralLinkType] | None = listed(
        "Links, the latest first.", ReferralLinkFilter, ReferralLinkOrder, page
    )
    customers: Connection[CustomerType] | None = listed(
        "Customers, the latest first.", CustomerFilter, CustomerOrder, page
    )
    click_events: Connection[ClickEventType] | None = listed(
        "Clicks, the latest first.", ClickEventFilter, EventOrder, page
    )
    test_events: Connection[TestEventType] | None = listed(
        "Clicks sent in test mode, the latest first. Partners see none.", TestEventFilter, EventOrder, page
    )
    api_tokens: Connection[ApiTokenType] | None = listed(
        "Tokens, the latest first: all to an administrator, to a program those that it issued.",
        *(ApiTokenFilter, ApiTokenOrder, page),
    )

    click_report: ClickReportType | None = answered(
        "Clicks counted over a span of time, from sums kept beside the events: its cost grows with the time asked for. "
        "It equals a recount of the events as of `dataAsOf`.",
        click_report,
        REPORT_ARGUMENTS,
    )
    viewer: ViewerType = answered("Who is asking.", viewer)
    node: Node | None = answered(
        "Anything by its global id; null if there is no such thing.",
        node,
        [argument("id", ID, "The `id` of anything in an answer.")],
    )
    program: ProgramType | None = answered("A program, by one of its ids.", numbered, [GLOBAL_ID, NUMBER])
    partner: PartnerType | None = answered("A partner, by one of its ids.", numbered, [GLOBAL_ID, NUMBER])
    referral_link: ReferralLinkType | None = answered(
        "A link, by its code or its id.",
        referral_link,
        [argument("code", str | None, "Its code; case matters.", default=None), GLOBAL_ID],
    )
    customer: CustomerType | None = answered(
        "A customer, by its `click_id` or its global id.",
        customer,
        [argument("click_id", str | None, "The `click_id` that the tracker keeps.", default=None), GLOBAL_ID],
    )


def _only(selection: SelectedField, *names: str) -> tuple[str, Any]:
    """Return the name and the value of the one argument that is given. Raises `FieldInvalid` unless it is one."""
    given = selection.argument_values
    if len(given) != 1:
        first, second = names
        raise FieldInvalid(first, f"or {second} must be given, and not both")
    return next(iter(given.items()))


def _text(field: str, text: str) -> str:
    if "\0" in text:
        raise FieldInvalid(field, "must not contain NUL")
    return text
