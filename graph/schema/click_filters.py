"""The filters of click event and test event lists, and the sort order that both share."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from graph.reports.requests import CONDITIONS
from graph.schema.dimension_conditions import DimensionCondition
from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection
from graph.schema.visit_fields import filters_by_visit_fields


@strawberry.input(description="Restricts a list of click events. A click must meet every condition given.")
@filters_by_visit_fields
class ClickEventFilter:
    program_id: ID | None = optional("Only clicks for this program.")
    partner_id: ID | None = optional("Only clicks credited to this partner.")
    referral_link_id: ID | None = optional("Only clicks through this link.")
    customer_id: ID | None = optional("Only clicks of this customer.")
    is_bot: bool | None
    occurred_from: datetime | None = optional("Only clicks at or after this time.")
    occurred_to: datetime | None = optional("Only clicks before this time.")
    click_id: str | None = optional("Only clicks of the customer with this `clickId`. Case-sensitive.")
    event_id: str | None
    session_id: str | None
    referrer_host: str | None
    where: list[DimensionCondition] | None = optional(
        f"Only clicks that meet all of these conditions on dimensions, as in a report; at most {CONDITIONS}. "
        "`HOUR_OF_DAY` and `DAY_OF_WEEK` need `occurredFrom` and `occurredTo`."
    )
    timezone: str | None = optional(
        "The IANA time zone of the conditions on `HOUR_OF_DAY` and `DAY_OF_WEEK`, such as `Europe/Berlin`. UTC by "
        "default."
    )


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
