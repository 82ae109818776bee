"""The object types that refer to each other: programs, partners, links, customers, clicks and tokens.

A field has the name of an attribute, a reference or a child list in `graph.query.entities`, which says how to read it.
"""

from datetime import datetime
from typing import Generic, TypeVar

import strawberry
from strawberry import ID

from graph.schema.click_filters import ClickEventFilter, EventOrder
from graph.schema.fields import connection_field, value
from graph.schema.link_filters import LinkStatus, ReferralLinkFilter, ReferralLinkOrder
from graph.schema.partner_filters import PartnerProgramFilter, PartnerProgramOrder
from graph.schema.scalars import BigInt
from graph.schema.token_filters import RoleType
from graph.schema.visit_fields import shows_visit_fields

T = TypeVar("T")
NUMBER = "The numeric id, as used in the database and the REST API."
HIDDEN = "Null if your token cannot see it."


@strawberry.interface(description="An object with a global id.")
class Node:
    id: ID = value(
        "The global id: an opaque string, unique across all types. Pass it to `node` to fetch the object again."
    )


@strawberry.type(description="The position of a page within its list.")
class PageInfo:
    has_next_page: bool = value("Whether there are items after this page.")
    has_previous_page: bool = value("Whether there are items before this page.")
    start_cursor: str | None = value("The cursor of the first item. On an empty page, the `before` argument.")
    end_cursor: str | None = value("The cursor of the last item. On an empty page, the `after` argument.")


@strawberry.type(description="An item of a list, with its cursor.")
class Edge(Generic[T]):
    cursor: str = value("The item's position, for `after` and `before`. Only valid with the same filter and order.")
    node: T = value("The item.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = value("The items of the page, each with its cursor.")
    nodes: list[T] = value("The items of the page.")
    page_info: PageInfo = value("The position of the page within the list.")
    total_count: BigInt = value(
        "The number of items in the whole list. Counted only if selected, which adds to the cost of the query."
    )


@strawberry.type(name="Program", description="An advertiser's affiliate program.")
class ProgramType(Node):
    database_id: BigInt = value(NUMBER)
    name: str = value("The program's name.")
    domain: str | None = value("The domain of the advertiser's site, such as `yoursite.com`. Null if not set.")
    cookie_window_days: int = value("The attribution window: the number of days for which a click counts.")
    created_at: datetime = value("When the program was created.")
    partners: "Connection[PartnerProgramType]" = connection_field(
        "The memberships of the program's partners, newest first by default.", PartnerProgramFilter, PartnerProgramOrder
    )
    referral_links: "Connection[ReferralLinkType]" = connection_field(
        "The program's referral links, newest first by default.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(name="Partner", description="An affiliate who sends visitors to one or more programs.")
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


@strawberry.type(name="PartnerProgram", description="A partner's membership in a program, with its click metrics.")
class PartnerProgramType(Node):
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner.")
    clicks: BigInt = value("The number of clicks that the partner sent to the program, including bots.")
    last_clicked_at: datetime | None = value("When the latest click was recorded. Null if there are no clicks yet.")
    created_at: datetime = value("When the partner joined the program.")


@strawberry.type(name="ReferralLink", description="A link that a partner publishes to send visitors to a program.")
class ReferralLinkType(Node):
    database_id: BigInt = value(NUMBER)
    code: str = value("The code, as in `?aff=CODE`. Case-sensitive.")
    destination_url: str | None = value("The URL of the landing page. Null for the program's own site.")
    url: str | None = value(
        "The URL to publish: the landing page with the code as its `aff` parameter. Null if the link has no "
        "destination and its program has no domain."
    )
    status: LinkStatus = value("Whether clicks through the link are recorded.")
    clicks: BigInt = value("The number of clicks recorded, including bots.")
    last_clicked: datetime | None = value("When the latest click was recorded. Null if there are no clicks yet.")
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
class CustomerType(Node):
    database_id: BigInt = value(NUMBER)
    click_id: str = value("The `click_id` that the tracker stores in its cookie.")
    customer_status: str = value("The stage that the customer has reached. Initially `click`.")
    created_at: datetime = value("When the first click was recorded.")
    last_click_at: datetime = value("When the latest click was recorded.")
    updated_at: datetime = value("When the customer last changed. Equal to `createdAt` if it never has.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner who sent the latest click.")
    referral_link: ReferralLinkType | None = value(f"The link of the latest click. {HIDDEN}")
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
        "The customer. Null to a partner once the customer has clicked another partner's link: the last partner gets "
        "the customer, and earlier partners keep their clicks."
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
