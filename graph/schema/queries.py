"""The query root."""

import strawberry
from strawberry import ID

from graph.schema.click_filters import ClickEventFilter, EventOrder, TestEventFilter
from graph.schema.customer_filters import CustomerFilter, CustomerOrder
from graph.schema.customers import customer
from graph.schema.fields import argument, connection_field, root_field
from graph.schema.link_filters import ReferralLinkFilter, ReferralLinkOrder
from graph.schema.links import referral_link
from graph.schema.partner_filters import PartnerFilter, PartnerOrder, PartnerProgramFilter, PartnerProgramOrder
from graph.schema.program_filters import ProgramFilter, ProgramOrder
from graph.schema.reports import REPORT_ARGUMENTS, ClickReportType, click_report
from graph.schema.resolvers import node, numbered, page
from graph.schema.scalars import BigInt
from graph.schema.token_filters import ApiTokenFilter, ApiTokenOrder
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
from graph.schema.viewer import ViewerType, viewer

GLOBAL_ID = argument("id", ID | None, "Its global id.", default=None)
NUMBER = argument("database_id", BigInt | None, "Its number in the database.", default=None)


@strawberry.type(
    name="Query", description="What can be read. Whatever a token is not for looks as if it were not there."
)
class QueryType:
    programs: Connection[ProgramType] | None = connection_field(
        "Programs, the latest first.", ProgramFilter, ProgramOrder, page
    )
    partners: Connection[PartnerType] | None = connection_field(
        "Partners, the latest first.", PartnerFilter, PartnerOrder, page
    )
    partner_programs: Connection[PartnerProgramType] | None = connection_field(
        "Memberships with their metrics, the latest first.", PartnerProgramFilter, PartnerProgramOrder, page
    )
    referral_links: Connection[ReferralLinkType] | None = connection_field(
        "Links, the latest first.", ReferralLinkFilter, ReferralLinkOrder, page
    )
    customers: Connection[CustomerType] | None = connection_field(
        "Customers, the latest first.", CustomerFilter, CustomerOrder, page
    )
    click_events: Connection[ClickEventType] | None = connection_field(
        "Clicks, the latest first.", ClickEventFilter, EventOrder, page
    )
    test_events: Connection[TestEventType] | None = connection_field(
        "Clicks sent in test mode, the latest first. Partners see none.", TestEventFilter, EventOrder, page
    )
    api_tokens: Connection[ApiTokenType] | None = connection_field(
        "Tokens, the latest first: all to an administrator, to a program those that it issued.",
        *(ApiTokenFilter, ApiTokenOrder, page),
    )

    click_report: ClickReportType | None = root_field(
        "Clicks counted over a span of time, from sums kept beside the events: its cost grows with the time asked for. "
        "It equals a recount of the events as of `dataAsOf`.",
        click_report,
        REPORT_ARGUMENTS,
    )
    viewer: ViewerType = root_field("Who is asking.", viewer)
    node: Node | None = root_field(
        "Anything by its global id; null if there is no such thing.",
        node,
        [argument("id", ID, "The `id` of anything in an answer.")],
    )
    program: ProgramType | None = root_field("A program, by one of its ids.", numbered, [GLOBAL_ID, NUMBER])
    partner: PartnerType | None = root_field("A partner, by one of its ids.", numbered, [GLOBAL_ID, NUMBER])
    referral_link: ReferralLinkType | None = root_field(
        "A link, by its code or its id.",
        referral_link,
        [argument("code", str | None, "Its code; case matters.", default=None), GLOBAL_ID],
    )
    customer: CustomerType | None = root_field(
        "A customer, by its `click_id` or its global id.",
        customer,
        [argument("click_id", str | None, "The `click_id` that the tracker keeps.", default=None), GLOBAL_ID],
    )
