"""The status of a referral link, and the filter and sort order of link lists."""

from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import (
    BY,
    CLICKS,
    CREATED_AT,
    DIRECTION,
    IGNORING_CASE,
    LAST_CLICKED,
    LEADS,
    SALES,
    OrderDirection,
)


@strawberry.enum(description="Whether a referral link records clicks.")
class LinkStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="Clicks through the link are recorded.")
    INACTIVE = strawberry.enum_value(
        "inactive", description="The link is paused: requests succeed, but no click is recorded."
    )


@strawberry.input(description="Restricts a list of referral links. A link must meet every condition given.")
class ReferralLinkFilter:
    program_id: ID | None = optional("Only links that advertise this program.")
    partner_id: ID | None = optional("Only links published by this partner.")
    status: LinkStatus | None = optional("Only links with this status.")
    code_prefix: str | None = optional("Only links whose code starts with this text. Case-sensitive.")
    search: str | None = optional(
        f"Only links whose code, destination or partner's name contains this text. {IGNORING_CASE}"
    )


@strawberry.enum(description="The fields that referral links can be sorted by.")
class ReferralLinkOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description=CREATED_AT)
    CODE = strawberry.enum_value("code", description="The code.")
    CLICKS = strawberry.enum_value("clicks", description=CLICKS)
    LEADS = strawberry.enum_value("leads", description=LEADS)
    SALES = strawberry.enum_value("sales", description=SALES)
    LAST_CLICKED = strawberry.enum_value("last_clicked", description=LAST_CLICKED)


@strawberry.input(description="The sort order of a list of referral links.")
class ReferralLinkOrder:
    field: ReferralLinkOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
