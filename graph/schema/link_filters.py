"""Filter and order of lists of referral links."""

from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection


@strawberry.enum(description="Whether a link's clicks are recorded.")
class LinkStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="Clicks are recorded.")
    INACTIVE = strawberry.enum_value("inactive", description="Clicks are answered, but not recorded.")


@strawberry.input(description="Which links; all conditions must hold.")
class ReferralLinkFilter:
    program_id: ID | None = optional("Only of this program.")
    partner_id: ID | None = optional("Only of this partner.")
    status: LinkStatus | None = optional("Only of this status.")
    code_prefix: str | None = optional("Only codes that begin so; case matters.")


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
