"""The types: what a developer sees of programs, partners, links, customers and clicks.

A field's name is an attribute's, a reference's or a list's name in `graph.query.entities`, which says how it is
read; here it gets its type and its words.
"""

from datetime import datetime
from typing import Generic, TypeVar

import strawberry
from strawberry import ID

from graph.schema.fields import listed, value
from graph.schema.inputs import (
    ClickEventFilter,
    EventOrder,
    LinkStatus,
    PartnerProgramFilter,
    PartnerProgramOrder,
    ReferralLinkFilter,
    ReferralLinkOrder,
    Role,
)
from graph.schema.scalars import BigInt
from graph.schema.visit_fields import shows_visit_fields

T = TypeVar("T")
NUMBER = "Its number in the database, as SQL and the REST API know it."
CREATED = "When it was created."
MOVED = "Null to whom it is out of sight."


@strawberry.interface(description="Anything that has an id.")
class Node:
    id: ID = value("Its global id; opaque, and good for `node`.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = value("Whether something comes after the page.")
    has_previous_page: bool = value("Whether something comes before the page.")
    start_cursor: str | None = value("The cursor of the page's first row. On an empty page, `before` as it was given.")
    end_cursor: str | None = value("The cursor of the page's last row. On an empty page, `after` as it was given.")


@strawberry.type(description="A row in a list.")
class Edge(Generic[T]):
    cursor: str = value("Where the row stands, for `after` and `before`; bound to the list's order and filter.")
    node: T = value("The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = value("The page's rows, each with its cursor.")
    nodes: list[T] = value("The page's rows.")
    page_info: PageInfo = value("Where the page lies in the list.")
    total_count: BigInt = value("How many rows the whole list has. It is counted only where it is asked for.")


@strawberry.type(description="An advertiser's affiliate program.")
class Program(Node):
    database_id: BigInt = value(NUMBER)
    name: str = value("What it is called.")
    domain: str | None = value("The advertiser's own site, such as `yoursite.com`.")
    cookie_window_days: int = value("For how many days a click counts.")
    created_at: datetime = value(CREATED)
    partners: "Connection[PartnerProgram]" = listed(
        "Its partners' memberships, the latest first.", PartnerProgramFilter, PartnerProgramOrder
    )
    referral_links: "Connection[ReferralLink]" = listed(
        "Its links, the latest first.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(description="Someone who brings visitors, in one program or several.")
class Partner(Node):
    database_id: BigInt = value(NUMBER)
    name: str = value("What the partner is called.")
    email: str | None = value("The partner's e-mail address. Null to programs.")
    created_at: datetime = value(CREATED)
    programs: "Connection[PartnerProgram]" = listed(
        "The partner's memberships, the latest first.", PartnerProgramFilter, PartnerProgramOrder
    )
    referral_links: "Connection[ReferralLink]" = listed(
        "The partner's links, the latest first.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(description="A partner's membership in a program, with its click metrics.")
class PartnerProgram(Node):
    program: Program = value("The program.")
    partner: Partner = value("The partner.")
    clicks: BigInt = value("How many clicks the partner brought to the program, bots included.")
    last_clicked_at: datetime | None = value("When the latest of them was; null before the first.")
    created_at: datetime = value("When the partner joined.")


@strawberry.type(description="A code that visitors arrive with.")
class ReferralLink(Node):
    database_id: BigInt = value(NUMBER)
    code: str = value("The code, as in `?aff=CODE`; case matters.")
    destination_url: str | None = value("Where the link leads; null for the program's own site.")
    url: str | None = value("The URL to publish: the destination with the code. Null where no destination is known.")
    status: LinkStatus = value("Whether its clicks are recorded.")
    clicks: BigInt = value("How many clicks were recorded, bots included.")
    last_clicked: datetime | None = value("When the latest of them was; null before the first.")
    created_at: datetime = value(CREATED)
    program: Program | None = value("The program that it advertises. Without one it records nothing.")
    partner: Partner | None = value("The partner who publishes it. Without one it records nothing.")
    click_events: "Connection[ClickEvent]" = listed("Its clicks, the latest first.", ClickEventFilter, EventOrder)


@strawberry.type(description="A visitor, as later sign-ups and sales are attributed.")
class Customer(Node):
    database_id: BigInt = value(NUMBER)
    click_id: str = value("The id that the tracker keeps in its cookie.")
    customer_status: str = value("How far the customer got; `click` at first.")
    created_at: datetime = value("When the first click was.")
    last_click_at: datetime = value("When the latest click was.")
    updated_at: datetime = value("When anything about the customer last changed.")
    program: Program = value("The program.")
    partner: Partner = value("The partner of the latest click.")
    referral_link: ReferralLink | None = value(f"The link of the latest click. {MOVED}")
    click_events: "Connection[ClickEvent]" = listed(
        "The customer's clicks, the latest first; a partner sees its own ones.", ClickEventFilter, EventOrder
    )


@strawberry.interface(description="What is known of a visit: as the tracker sent it, then as the gateway derived it.")
@shows_visit_fields
class Visit:
    occurred_at: datetime = value("When the gateway received it.")


@strawberry.type(description="One recorded click.")
class ClickEvent(Visit, Node):
    database_id: BigInt = value(NUMBER)
    click_id: str = value("The customer's `click_id`.")
    affiliate_url: str = value("The landing page's URL with the code.")
    program: Program = value("The program.")
    partner: Partner = value("The partner of the link at that time.")
    referral_link: ReferralLink | None = value(f"The link. {MOVED}")
    customer: Customer | None = value(
        "The customer. Null to a partner whom it has left: the last partner wins, the earlier ones keep their events."
    )


@strawberry.type(description="A click sent in test mode. It counts nowhere.")
class TestEvent(Visit, Node):
    __test__ = False

    database_id: BigInt = value(NUMBER)
    affiliate_url: str | None = value("The landing page's URL, if one was sent.")
    program: Program | None = value("The program that the test named.")


@strawberry.type(description="A credential of this API. The secret itself is shown once, when it is issued.")
class ApiToken(Node):
    database_id: BigInt = value(NUMBER)
    role: Role = value("Whose data it shows.")
    label: str | None = value("What it is used for.")
    program: Program | None = value("The program that it is bound to.")
    partner: Partner | None = value("The partner that it is bound to.")
    created_at: datetime = value("When it was issued.")
    expires_at: datetime | None = value("When it ceases to be accepted; null for never.")
    revoked_at: datetime | None = value("When it was revoked.")
    last_used_at: datetime | None = value("When it was last used, to within a minute.")
