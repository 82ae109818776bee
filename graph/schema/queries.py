"""The query root: lists, single rows, reports and the caller."""

import strawberry
from strawberry import ID

from graph.schema.click_filters import ClickEventFilter, EventOrder, TestEventFilter
from graph.schema.commission_filters import (
    CommissionFilter,
    CommissionOrder,
    CommissionRuleFilter,
    CommissionRuleOrder,
    PayoutFilter,
    PayoutOrder,
)
from graph.schema.connections import Connection, Node
from graph.schema.conversion_filters import (
    LeadEventFilter,
    LeadEventOrder,
    RefundFilter,
    RefundOrder,
    SaleFilter,
    SaleOrder,
)
from graph.schema.conversion_types import (
    CommissionRuleType,
    CommissionType,
    LeadEventType,
    PayoutType,
    RefundType,
    SaleType,
)
from graph.schema.customer_filters import CustomerFilter, CustomerOrder
from graph.schema.customers import customer
from graph.schema.fields import argument, connection_field, root_field
from graph.schema.installation import CheckArrival, installation_check
from graph.schema.link_filters import ReferralLinkFilter, ReferralLinkOrder
from graph.schema.links import referral_link
from graph.schema.partner_filters import PartnerFilter, PartnerOrder, PartnerProgramFilter, PartnerProgramOrder
from graph.schema.program_filters import ProgramFilter, ProgramOrder
from graph.schema.report_types import REPORT_ARGUMENTS, ClickReportType
from graph.schema.reports import click_report
from graph.schema.resolvers import node, numbered, page
from graph.schema.scalars import BigInt
from graph.schema.setup import ProgramSetupType, program_setup
from graph.schema.token_filters import ApiTokenFilter, ApiTokenOrder
from graph.schema.types import (
    ApiTokenType,
    ClickEventType,
    CustomerType,
    PartnerProgramType,
    PartnerType,
    ProgramType,
    ReferralLinkType,
    TestEventType,
)
from graph.schema.viewer import ViewerType, viewer

GLOBAL_ID = argument("id", ID | None, "The global id.", default=None)
NUMBER = argument("database_id", BigInt | None, "The numeric id.", default=None)


@strawberry.type(
    name="Query",
    description="Everything that can be read. Data that your token cannot see is treated as if it did not exist.",
)
class QueryType:
    programs: Connection[ProgramType] | None = connection_field(
        "Programs, newest first by default.", ProgramFilter, ProgramOrder, page
    )
    partners: Connection[PartnerType] | None = connection_field(
        "Partners, newest first by default.", PartnerFilter, PartnerOrder, page
    )
    partner_programs: Connection[PartnerProgramType] | None = connection_field(
        "Memberships of partners in programs, with click metrics. Newest first by default.",
        PartnerProgramFilter,
        PartnerProgramOrder,
        page,
    )
    referral_links: Connection[ReferralLinkType] | None = connection_field(
        "Referral links, newest first by default.", ReferralLinkFilter, ReferralLinkOrder, page
    )
    customers: Connection[CustomerType] | None = connection_field(
        "Customers, newest first by default.", CustomerFilter, CustomerOrder, page
    )
    click_events: Connection[ClickEventType] | None = connection_field(
        "Recorded clicks, newest first by default. Polling in ascending order from the last `endCursor` misses no "
        "click.",
        ClickEventFilter,
        EventOrder,
        page,
    )
    test_events: Connection[TestEventType] | None = connection_field(
        "Clicks sent in test mode, newest first by default. Partner tokens see none.", TestEventFilter, EventOrder, page
    )
    api_tokens: Connection[ApiTokenType] | None = connection_field(
        "API tokens, newest first by default. Admin tokens see all of them, program tokens see the partner tokens "
        "limited to their program, and partner tokens see none.",
        *(ApiTokenFilter, ApiTokenOrder, page),
    )

    leads: Connection[LeadEventType] | None = connection_field(
        "Leads, newest first by default. Partner tokens see none that are provisional.",
        *(LeadEventFilter, LeadEventOrder, page),
    )
    sales: Connection[SaleType] | None = connection_field(
        "Sales, latest first by default.", SaleFilter, SaleOrder, page
    )
    refunds: Connection[RefundType] | None = connection_field(
        "Refunds, newest first by default.", RefundFilter, RefundOrder, page
    )
    commissions: Connection[CommissionType] | None = connection_field(
        "Commissions, latest first by default.", CommissionFilter, CommissionOrder, page
    )
    commission_rules: Connection[CommissionRuleType] | None = connection_field(
        "Commission rules, past ones included, latest first by default. Partner tokens see those that apply to them.",
        *(CommissionRuleFilter, CommissionRuleOrder, page),
    )
    payouts: Connection[PayoutType] | None = connection_field(
        "Payouts, newest first by default.", PayoutFilter, PayoutOrder, page
    )

    click_report: ClickReportType | None = root_field(
        "Click counts over a period, as totals, time series, rankings and breakdowns. Counts are exact as of "
        "`dataAsOf`. A report that would take too long or too much memory is refused as `TOO_COMPLEX`.",
        click_report,
        REPORT_ARGUMENTS,
    )
    viewer: ViewerType = root_field("The caller. Fails with `UNAUTHENTICATED` if no token was sent.", viewer)
    program_setup: ProgramSetupType | None = root_field(
        "How far a program's setup has come, and what its site tells. Null unless your token can change the program.",
        program_setup,
        [argument("program_id", ID | None, "The program. May be omitted with its own token.", default=None)],
    )
    installation_check: CheckArrival | None = root_field(
        "The click of an installation check. Null while it has not come, and after half an hour.",
        installation_check,
        [argument("code", str, "The code that `startInstallationCheck` returned.")],
    )
    node: Node | None = root_field(
        "Finds any object by its global id. Null if it does not exist or your token cannot see it.",
        node,
        [argument("id", ID, "The `id` of the object.")],
    )
    program: ProgramType | None = root_field(
        "Finds a program by exactly one of its ids. Null if it does not exist or your token cannot see it.",
        numbered,
        [GLOBAL_ID, NUMBER],
    )
    partner: PartnerType | None = root_field(
        "Finds a partner by exactly one of its ids. Null if it does not exist or your token cannot see it.",
        numbered,
        [GLOBAL_ID, NUMBER],
    )
    referral_link: ReferralLinkType | None = root_field(
        "Finds a referral link by either its code or its id. Null if it does not exist or your token cannot see it.",
        referral_link,
        [argument("code", str | None, "The link's code. Case-sensitive.", default=None), GLOBAL_ID],
    )
    customer: CustomerType | None = root_field(
        "Finds a customer by either its `clickId` or its id. Null if it does not exist or your token cannot see it.",
        customer,
        [
            argument("click_id", str | None, "The `click_id` that the tracker stores in its cookie.", default=None),
            GLOBAL_ID,
        ],
    )
