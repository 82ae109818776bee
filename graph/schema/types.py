"""The types: what a developer sees of programs, partners, links, customers and clicks.

A field's name is an attribute's, a reference's or a list's name in `graph.query.entities`, which says how it is
read; here it gets its type and its words.
"""

from datetime import datetime
from typing import Generic, TypeVar

import strawberry
from strawberry import ID
from strawberry.scalars import JSON

from graph.schema.click_filters import ClickEventFilter, EventOrder
from graph.schema.fields import connection_field, value
from graph.schema.link_filters import LinkStatus, ReferralLinkFilter, ReferralLinkOrder
from graph.schema.partner_filters import PartnerProgramFilter, PartnerProgramOrder
from graph.schema.scalars import BigInt
from graph.schema.token_filters import TokenRole

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


@strawberry.type(name="Program", description="An advertiser's affiliate program.")
class ProgramType(Node):
    database_id: BigInt = value(NUMBER)
    name: str = value("What it is called.")
    domain: str | None = value("The advertiser's own site, such as `yoursite.com`.")
    cookie_window_days: int = value("For how many days a click counts.")
    created_at: datetime = value(CREATED)
    partners: "Connection[PartnerProgramType]" = connection_field(
        "Its partners' memberships, the latest first.", PartnerProgramFilter, PartnerProgramOrder
    )
    referral_links: "Connection[ReferralLinkType]" = connection_field(
        "Its links, the latest first.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(name="Partner", description="Someone who brings visitors, in one program or several.")
class PartnerType(Node):
    database_id: BigInt = value(NUMBER)
    name: str = value("What the partner is called.")
    email: str | None = value("The partner's e-mail address. Null to programs.")
    created_at: datetime = value(CREATED)
    programs: "Connection[PartnerProgramType]" = connection_field(
        "The partner's memberships, the latest first.", PartnerProgramFilter, PartnerProgramOrder
    )
    referral_links: "Connection[ReferralLinkType]" = connection_field(
        "The partner's links, the latest first.", ReferralLinkFilter, ReferralLinkOrder
    )


@strawberry.type(name="PartnerProgram", description="A partner's membership in a program, with its click metrics.")
class PartnerProgramType(Node):
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner.")
    clicks: BigInt = value("How many clicks the partner brought to the program, bots included.")
    last_clicked_at: datetime | None = value("When the latest of them was; null before the first.")
    created_at: datetime = value("When the partner joined.")


@strawberry.type(name="ReferralLink", description="A code that visitors arrive with.")
class ReferralLinkType(Node):
    database_id: BigInt = value(NUMBER)
    code: str = value("The code, as in `?aff=CODE`; case matters.")
    destination_url: str | None = value("Where the link leads; null for the program's own site.")
    url: str | None = value("The URL to publish: the destination with the code. Null where no destination is known.")
    status: LinkStatus = value("Whether its clicks are recorded.")
    clicks: BigInt = value("How many clicks were recorded, bots included.")
    last_clicked: datetime | None = value("When the latest of them was; null before the first.")
    created_at: datetime = value(CREATED)
    program: ProgramType | None = value("The program that it advertises. Without one it records nothing.")
    partner: PartnerType | None = value("The partner who publishes it. Without one it records nothing.")
    click_events: "Connection[ClickEventType]" = connection_field(
        "Its clicks, the latest first.", ClickEventFilter, EventOrder
    )


@strawberry.type(name="Customer", description="A visitor, as later sign-ups and sales are attributed.")
class CustomerType(Node):
    database_id: BigInt = value(NUMBER)
    click_id: str = value("The id that the tracker keeps in its cookie.")
    customer_status: str = value("How far the customer got; `click` at first.")
    created_at: datetime = value("When the first click was.")
    last_click_at: datetime = value("When the latest click was.")
    updated_at: datetime = value("When anything about the customer last changed.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner of the latest click.")
    referral_link: ReferralLinkType | None = value(f"The link of the latest click. {MOVED}")
    click_events: "Connection[ClickEventType]" = connection_field(
        "The customer's clicks, the latest first; a partner sees its own ones.", ClickEventFilter, EventOrder
    )


@strawberry.interface(
    name="Visit", description="What is known of a visit: as the tracker sent it, then as the gateway derived it."
)
class VisitInterface:
    occurred_at: datetime = value("When the gateway received it.")
    page_url: str | None = value("Canonical URL of the page.")
    page_title: str | None = value("Title of the page.")
    referrer_url: str | None = value("Where the visitor came from.")
    referrer_host: str | None = value("The host in `referrerUrl`.")
    session_id: str | None = value("The browser session.")
    user_agent: str | None = value("The user agent.")
    screen_resolution: str | None = value("Size of the screen, such as `1920x1080`.")
    viewport_size: str | None = value("Size of the browser's viewport, such as `1280x800`.")
    language: str | None = value("The browser's language, such as `en-US`.")
    timezone: str | None = value("The browser's IANA time zone.")
    existing_click_id: str | None = value("The `click_id` that the tracker had already, as sent.")
    event_id: str | None = value("The tracker's own id of the event, by which a repetition is known.")
    additional_data: JSON | None = value("What else the tracker sent.")
    is_bot: bool = value("Whether a bot made the click: a crawler, an HTTP library, a test tool or a monitor.")
    device_type: str | None = value(
        "`desktop`, `mobile`, `tablet`, `tv`, `console` or `other`; null without a user agent."
    )
    device_brand: str | None = value("Who made the device.")
    device_model: str | None = value("The device's model.")
    os: str | None = value("The operating system.")
    os_version: str | None = value("Its version.")
    browser: str | None = value("The browser.")
    browser_version: str | None = value("Its version.")
    country: str | None = value("The country's ISO 3166-1 code, by the address.")
    region: str | None = value("The region's English name, by the address.")
    city: str | None = value("The city's English name, by the address.")
    ip_address: str | None = value("What is kept of the address.")


@strawberry.type(name="ClickEvent", description="One recorded click.")
class ClickEventType(VisitInterface, Node):
    database_id: BigInt = value(NUMBER)
    click_id: str = value("The customer's `click_id`.")
    affiliate_url: str = value("The landing page's URL with the code.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner of the link at that time.")
    referral_link: ReferralLinkType | None = value(f"The link. {MOVED}")
    customer: CustomerType | None = value(
        "The customer. Null to a partner whom it has left: the last partner wins, the earlier ones keep their events."
    )


@strawberry.type(name="TestEvent", description="A click sent in test mode. It counts nowhere.")
class TestEventType(VisitInterface, Node):
    __test__ = False

    database_id: BigInt = value(NUMBER)
    affiliate_url: str | None = value("The landing page's URL, if one was sent.")
    program: ProgramType | None = value("The program that the test named.")


@strawberry.type(
    name="ApiToken", description="A credential of this API. The secret itself is shown once, when it is issued."
)
class ApiTokenType(Node):
    database_id: BigInt = value(NUMBER)
    role: TokenRole = value("Whose data it shows.")
    label: str | None = value("What it is used for.")
    program: ProgramType | None = value("The program that it is bound to.")
    partner: PartnerType | None = value("The partner that it is bound to.")
    created_at: datetime = value("When it was issued.")
    expires_at: datetime | None = value("When it ceases to be accepted; null for never.")
    revoked_at: datetime | None = value("When it was revoked.")
    last_used_at: datetime | None = value("When it was last used, to within a minute.")
