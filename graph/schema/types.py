"""The types of programs, partners, links, customers, clicks and tokens.

A field has the name of an attribute, a reference or a child list in `graph.query.entities`, which says how to read it.
"""

from datetime import datetime

import strawberry

from graph.schema.click_filters import ClickEventFilter, EventOrder
from graph.schema.connections import HIDDEN, NUMBER, Connection, Node
from graph.schema.conversion_connections import shows_conversions
from graph.schema.fields import connection_field, costly_value, value
from graph.schema.link_filters import LinkStatus, ReferralLinkFilter, ReferralLinkOrder
from graph.schema.money import MoneyType
from graph.schema.partner_filters import PartnerProgramFilter, PartnerProgramOrder
from graph.schema.program_filters import LeadAuth
from graph.schema.scalars import BigInt
from graph.schema.token_filters import RoleType
from graph.schema.visit_fields import shows_visit_fields

MONEY_COST = 2
# Reads every commission of the partner that is not paid.
BALANCE_COST = 10


@strawberry.type(name="Program", description="An advertiser's affiliate program.")
@shows_conversions("program", "leads", "sales", "refunds", "commissions", "commission_rules", "payouts")
class ProgramType(Node):
    database_id: BigInt = value(NUMBER)
    name: str = value("The program's name.")
    domain: str | None = value("The domain of the advertiser's site, such as `yoursite.com`. Null if not set.")
    cookie_window_days: int = value("The attribution window: the number of days for which a click counts.")
    currency: str = value("The ISO 4217 code of the currency of sales that name none.")
    lead_auth: LeadAuth = value("Who can record leads that count at once.")
    created_at: datetime = value("When the program was created.")
    partners: "Connection[PartnerProgramType]" = connection_field(
        "The memberships of the program's partners, newest first by default.", PartnerProgramFilter, PartnerProgramOrder
    )
    referral_links: "Connection[ReferralLinkType]" = connection_field(
        "The program's referral links, newest first by default.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(name="Partner", description="An affiliate who sends visitors to one or more programs.")
@shows_conversions("partner", "leads", "sales", "refunds", "commissions", "commission_rules", "payouts")
class PartnerType(Node):
    database_id: BigInt = value(NUMBER)
    name: str = value("The partner's name.")
    email: str | None = value("The partner's email address. Null if not set, or if your token has the role `PROGRAM`.")
    created_at: datetime = value("When the partner was created.")
    programs: "Connection[PartnerProgramType]" = connection_field(
        "The partner's memberships in programs, newest first by default.", PartnerProgramFilter, PartnerProgramOrder
    )
    referral_links: "Connection[ReferralLinkType]" = connection_field(
        "The partner's referral links, newest first by default.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(name="PartnerProgram", description="A partner's membership in a program, with its metrics.")
@shows_conversions("membership", "leads", "sales", "refunds", "commissions", "commission_rules", "payouts")
class PartnerProgramType(Node):
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner.")
    clicks: BigInt = value("The number of clicks that the partner sent to the program, including bots.")
    last_clicked_at: datetime | None = value("When the latest click was recorded. Null if there are no clicks yet.")
    lead_count: BigInt = value("The number of leads, without provisional ones.")
    sale_count: BigInt = value("The number of sales, whether refunded or not.")
    revenue: list[MoneyType] = costly_value(
        "The sales less their refunds, one amount for each currency, sorted by currency.", MONEY_COST
    )
    earnings: list[MoneyType] = costly_value(
        "The commissions that were not rejected, less what refunds took off them. One amount for each currency, "
        "sorted by currency.",
        MONEY_COST,
    )
    pending: list[MoneyType] = costly_value(
        "The commissions that are neither approved nor rejected yet, less what refunds took off them. One amount for "
        "each currency, sorted by currency.",
        BALANCE_COST,
    )
    balance: list[MoneyType] = costly_value(
        "What a payout would pay now: approved commissions that are not paid, less what refunds took off commissions "
        "that were paid. One amount for each currency, sorted by currency. Negative if the partner owes the program.",
        BALANCE_COST,
    )
    paid: list[MoneyType] = costly_value(
        "The sum of the payouts to the partner, one amount for each currency, sorted by currency.", MONEY_COST
    )
    created_at: datetime = value("When the partner joined the program.")
    suspended_at: datetime | None = value(
        "Since when the partner is suspended in the program: its links there record no clicks. Null if it is not."
    )
    referral_links: "Connection[ReferralLinkType]" = connection_field(
        "The partner's referral links for the program, newest first by default.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(name="ReferralLink", description="A link that a partner publishes to send visitors to a program.")
@shows_conversions("link", "leads", "sales", "refunds", "commissions")
class ReferralLinkType(Node):
    database_id: BigInt = value(NUMBER)
    code: str = value("The code, as in `?aff=CODE`. Case-sensitive.")
    destination_url: str | None = value("The URL of the landing page. Null for the program's own site.")
    url: str | None = value(
        "The URL to publish: the landing page with the code as its `aff` parameter. Null if the link has no "
        "destination and its program has no domain."
    )
    status: LinkStatus = value("Whether clicks through the link are recorded, unless its partner is suspended.")
    partner_suspended_at: datetime | None = value(
        "Since when the link's partner is suspended in its program: the link records no clicks, whatever its status. "
        "Null if the partner is not suspended."
    )
    clicks: BigInt = value("The number of clicks recorded, including bots.")
    last_clicked: datetime | None = value("When the latest click was recorded. Null if there are no clicks yet.")
    lead_count: BigInt = value("The number of leads, without provisional ones.")
    sale_count: BigInt = value("The number of sales, whether refunded or not.")
    revenue: list[MoneyType] = costly_value(
        "The sales less their refunds, one amount for each currency, sorted by currency.", MONEY_COST
    )
    earnings: list[MoneyType] = costly_value(
        "The commissions that were not rejected, less what refunds took off them. One amount for each currency, "
        "sorted by currency.",
        MONEY_COST,
    )
    created_at: datetime = value("When the link was created.")
    program: ProgramType | None = value(
        "The program that the link advertises. Null if it has none; the link then records no clicks."
    )
    partner: PartnerType | None = value(
        "The partner who publishes the link. Null if it has none; the link then records no clicks."
    )
    click_events: "Connection[ClickEventType]" = connection_field(
        "The clicks through this link, newest first by default.", ClickEventFilter, EventOrder
    )


@strawberry.type(
    name="Customer",
    description="A visitor who arrived through a referral link. Later leads and sales are attributed to it.",
)
@shows_conversions("customer", "leads", "sales", "refunds", "commissions")
class CustomerType(Node):
    database_id: BigInt = value(NUMBER)
    click_id: str = value("The `click_id` that the tracker stores in its cookie.")
    customer_status: str = value("The stage that the customer has reached: `click`, `lead` or `conversion`.")
    customer_key: str | None = value(
        "The merchant's own id of the customer. Null until a lead or a sale names it, and to partner tokens."
    )
    email_mask: str | None = value(
        "The customer's e-mail address as far as it is kept, such as `a***@example.com`. Null if no lead has sent one, "
        "and to partner tokens."
    )
    created_at: datetime = value("When the first click was recorded.")
    last_click_at: datetime = value("When the latest click was recorded.")
    lead_at: datetime | None = value("When the first lead counted. Null if there is none yet.")
    converted_at: datetime | None = value("When the first sale happened. Null if there is none yet.")
    updated_at: datetime = value("When the customer last changed. Equal to `createdAt` if it never has.")
    revenue: list[MoneyType] = costly_value(
        "The customer's sales less their refunds, one amount for each currency, sorted by currency.", MONEY_COST
    )
    program: ProgramType = value("The program.")
    partner: PartnerType = value(
        "The partner who sent the latest click, or, from the first lead or sale on, the one to whom that is attributed."
    )
    referral_link: ReferralLinkType | None = value(f"The link by which that partner sent the customer. {HIDDEN}")
    click_events: "Connection[ClickEventType]" = connection_field(
        "The customer's clicks, newest first by default. Partner tokens see only the clicks that the partner sent.",
        ClickEventFilter,
        EventOrder,
    )


@strawberry.interface(
    name="Visit", description="What is known of a visit: as the tracker sent it, then as the gateway derived it."
)
@shows_visit_fields
class VisitInterface:
    occurred_at: datetime = value("When the gateway received it.")


@strawberry.type(name="ClickEvent", description="A recorded click on a referral link.")
class ClickEventType(VisitInterface, Node):
    database_id: BigInt = value(NUMBER)
    click_id: str = value("The customer's `click_id`.")
    affiliate_url: str = value("The URL of the landing page, as sent, including the `aff` parameter.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner who published the link when the click was recorded.")
    referral_link: ReferralLinkType | None = value(f"The referral link. {HIDDEN}")
    customer: CustomerType | None = value(
        "The customer. Null to a partner once the customer belongs to another: until a lead or a sale binds it, a "
        "customer belongs to the partner of the latest click. Earlier partners keep their clicks."
    )


@strawberry.type(name="TestEvent", description="A click sent in test mode. Test events affect no counts or reports.")
class TestEventType(VisitInterface, Node):
    __test__ = False

    database_id: BigInt = value(NUMBER)
    affiliate_url: str | None = value("The URL of the landing page. Null if none was sent.")
    program: ProgramType | None = value("The program named in the request. Null if none was named.")


@strawberry.type(
    name="ApiToken",
    description="An access token for this API. Its secret is shown only once, when the token is issued.",
)
class ApiTokenType(Node):
    database_id: BigInt = value(NUMBER)
    role: RoleType = value("What the token can read and change.")
    label: str | None = value("The label given when the token was issued. Null if none was given.")
    program: ProgramType | None = value("The program that the token is bound to. Null if it is not bound to one.")
    partner: PartnerType | None = value("The partner that the token is bound to. Null unless the role is `PARTNER`.")
    created_at: datetime = value("When the token was issued.")
    expires_at: datetime | None = value("When the token expires. Null if it never does.")
    revoked_at: datetime | None = value("When the token was revoked. Null if it has not been.")
    last_used_at: datetime | None = value(
        "When the token was last used, accurate to a minute. Null if it never has been."
    )
