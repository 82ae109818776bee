"""Filters and order of lists of click events and of test events."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection


@strawberry.input(description="Which click events; all conditions must hold.")
class ClickEventFilter:
    program_id: ID | None = optional("Only of this program.")
    partner_id: ID | None = optional("Only of this partner.")
    referral_link_id: ID | None = optional("Only of this link.")
    customer_id: ID | None = optional("Only of this customer.")
    is_bot: bool | None = optional("Only bots, or only people.")
    occurred_from: datetime | None = optional("Only then or later.")
    occurred_to: datetime | None = optional("Only before.")
    click_id: str | None = optional("Only with this `click_id`.")
    event_id: str | None = optional("Only the one with this `event_id`.")
    session_id: str | None = optional("Only of this browser session.")
    referrer_host: str | None = optional("Only from this host, in any case.")
    device_type: str | None = optional(
        "Only of this type: `desktop`, `mobile`, `tablet`, `tv`, `console` or `other`, in any case."
    )
    os: str | None = optional("Only with this operating system.")
    browser: str | None = optional("Only with this browser.")
    country: str | None = optional("Only from this country, by its ISO 3166-1 code of two letters, in any case.")


@strawberry.enum(description="What events are sorted by.")
class EventOrderField(Enum):
    OCCURRED_AT = "occurred_at"
    ID = strawberry.enum_value("id", description="The number in the database.")


@strawberry.input(description="How events are sorted.")
class EventOrder:
    field: EventOrderField = strawberry.field(default=EventOrderField.OCCURRED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Which test events; all conditions must hold.")
class TestEventFilter:
    __test__ = False

    program_id: ID | None = optional("Only of this program.")
