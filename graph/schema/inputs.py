"""Filters and orders of the lists. A field's name is the name of what it does in `graph.query.entities`."""

from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry import ID

from graph.schema.visit_fields import filters_by_visit_fields


@strawberry.enum(description="The direction of an order.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("asc", description="Smallest, earliest or first in the alphabet first.")
    DESC = strawberry.enum_value("desc", description="Largest, latest or last in the alphabet first.")


@strawberry.enum(description="Whether a link's clicks are recorded.")
class LinkStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="Clicks are recorded.")
    INACTIVE = strawberry.enum_value("inactive", description="Clicks are answered, but not recorded.")


@strawberry.enum(description="Whose data a token shows, and what it may change.")
class Role(Enum):
    ADMIN = strawberry.enum_value("admin", description="Everything.")
    PROGRAM = strawberry.enum_value("program", description="One program: it may change its partners, links and tokens.")
    PARTNER = strawberry.enum_value("partner", description="One partner, who may change nothing.")


def given(description: str) -> Any:
    """Return an optional input field: left out and null are the same."""
    return strawberry.field(default=strawberry.UNSET, description=description)


PROGRAM = "Only of this program."
PARTNER = "Only of this partner."
LINK = "Only of this link."
BY = "By what."
DIRECTION = "In which direction."


@strawberry.input(description="Which programs; all conditions must hold.")
class ProgramFilter:
    name_prefix: str | None = given("Only names that begin so; case matters.")


@strawberry.enum(description="What programs are sorted by.")
class ProgramOrderField(Enum):
    CREATED_AT = "created_at"
    NAME = "name"


@strawberry.input(description="How programs are sorted.")
class ProgramOrder:
    field: ProgramOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Which partners; all conditions must hold.")
class PartnerFilter:
    program_id: ID | None = given("Only partners in this program.")
    name_prefix: str | None = given("Only names that begin so; case matters.")


@strawberry.enum(description="What partners are sorted by.")
class PartnerOrderField(Enum):
    CREATED_AT = "created_at"
    NAME = "name"


@strawberry.input(description="How partners are sorted.")
class PartnerOrder:
    field: PartnerOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Which memberships; all conditions must hold.")
class PartnerProgramFilter:
    program_id: ID | None = given(PROGRAM)
    partner_id: ID | None = given(PARTNER)


@strawberry.enum(description="What memberships are sorted by.")
class PartnerProgramOrderField(Enum):
    CREATED_AT = "created_at"
    CLICKS = strawberry.enum_value("clicks", description="Moves while clicks arrive: a row may show twice, or not.")
    LAST_CLICKED_AT = strawberry.enum_value(
        "last_clicked_at",
        description="Never clicked counts as earliest. Moves while clicks arrive: a row may show twice, or not.",
    )


@strawberry.input(description="How memberships are sorted.")
class PartnerProgramOrder:
    field: PartnerProgramOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Which links; all conditions must hold.")
class ReferralLinkFilter:
    program_id: ID | None = given(PROGRAM)
    partner_id: ID | None = given(PARTNER)
    status: LinkStatus | None = given("Only of this status.")
    code_prefix: str | None = given("Only codes that begin so; case matters.")


@strawberry.enum(description="What links are sorted by.")
class ReferralLinkOrderField(Enum):
    CREATED_AT = "created_at"
    CODE = "code"
    CLICKS = strawberry.enum_value("clicks", description="Moves while clicks arrive: a row may show twice, or not.")
    LAST_CLICKED = strawberry.enum_value(
        "last_clicked",
        description="Never clicked counts as earliest. Moves while clicks arrive: a row may show twice, or not.",
    )


@strawberry.input(description="How links are sorted.")
class ReferralLinkOrder:
    field: ReferralLinkOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Which customers; all conditions must hold.")
class CustomerFilter:
    program_id: ID | None = given(PROGRAM)
    partner_id: ID | None = given("Only those whose latest click came through this partner.")
    referral_link_id: ID | None = given("Only those whose latest click came through this link.")
    customer_status: str | None = given("Only of this status, such as `click`, in any case.")
    created_from: datetime | None = given("Only created then or later.")
    created_to: datetime | None = given("Only created before.")


@strawberry.enum(description="What customers are sorted by.")
class CustomerOrderField(Enum):
    CREATED_AT = "created_at"
    UPDATED_AT = strawberry.enum_value(
        "updated_at",
        description="The time of the latest change. In ascending order, a customer that changes shows again later, so "
        "that paging forward and asking again from the last `endCursor` misses no change.",
    )


@strawberry.input(description="How customers are sorted.")
class CustomerOrder:
    field: CustomerOrderField = strawberry.field(default=CustomerOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Which click events; all conditions must hold.")
@filters_by_visit_fields
class ClickEventFilter:
    program_id: ID | None = given(PROGRAM)
    partner_id: ID | None = given(PARTNER)
    referral_link_id: ID | None = given(LINK)
    customer_id: ID | None = given("Only of this customer.")
    is_bot: bool | None
    occurred_from: datetime | None = given("Only then or later.")
    occurred_to: datetime | None = given("Only before.")
    click_id: str | None = given("Only with this `click_id`.")
    event_id: str | None
    session_id: str | None
    referrer_host: str | None


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

    program_id: ID | None = given(PROGRAM)


@strawberry.input(description="Which tokens; all conditions must hold.")
class ApiTokenFilter:
    program_id: ID | None = given("Only those bound to this program.")
    partner_id: ID | None = given("Only those bound to this partner.")
    role: Role | None = given("Only of this role.")
    is_usable: bool | None = given("Only those that are neither revoked nor expired, or only the others.")


@strawberry.enum(description="What tokens are sorted by.")
class ApiTokenOrderField(Enum):
    CREATED_AT = "created_at"


@strawberry.input(description="How tokens are sorted.")
class ApiTokenOrder:
    field: ApiTokenOrderField = strawberry.field(default=ApiTokenOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
