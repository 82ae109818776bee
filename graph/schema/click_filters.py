"""The filters of click event and test event lists, and the sort order that both share."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection


@strawberry.input(description="Restricts a list of click events. A click must meet every condition given.")
class ClickEventFilter:
    program_id: ID | None = optional("Only clicks for this program.")
    partner_id: ID | None = optional("Only clicks credited to this partner.")
    referral_link_id: ID | None = optional("Only clicks through this link.")
    customer_id: ID | None = optional("Only clicks of this customer.")
    is_bot: bool | None = optional("Only clicks by bots (`true`) or only clicks by people (`false`).")
    occurred_from: datetime | None = optional("Only clicks at or after this time.")
    occurred_to: datetime | None = optional("Only clicks before this time.")
    click_id: str | None = optional("Only clicks of the customer with this `clickId`. Case-sensitive.")
    event_id: str | None = optional("Only clicks sent with this `eventId`. Case-sensitive.")
    session_id: str | None = optional("Only clicks from this browser session.")
    referrer_host: str | None = optional(
        "Only clicks referred by this host, such as `blog.example.com`. Case-insensitive."
    )
    device_type: str | None = optional(
        "Only clicks from this type of device: `desktop`, `mobile`, `tablet`, `tv`, `console` or `other`. "
        "Case-insensitive."
    )
    os: str | None = optional("Only clicks from this operating system, such as `Windows`. Case-sensitive.")
    browser: str | None = optional("Only clicks from this browser, such as `Firefox`. Case-sensitive.")
    country: str | None = optional("Only clicks from this country, as a two-letter ISO 3166-1 code. Case-insensitive.")


@strawberry.enum(description="The fields that click events and test events can be sorted by.")
class EventOrderField(Enum):
    OCCURRED_AT = strawberry.enum_value("occurred_at", description="The time at which the gateway received the event.")
    ID = strawberry.enum_value("id", description="The `databaseId`.")


@strawberry.input(description="The sort order of a list of click events or test events.")
class EventOrder:
    field: EventOrderField = strawberry.field(default=EventOrderField.OCCURRED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Restricts a list of test events. A test event must meet every condition given.")
class TestEventFilter:
    __test__ = False

    program_id: ID | None = optional("Only test events that named this program.")
