"""The filters and sort orders of partner and membership lists."""

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


@strawberry.input(description="Restricts a list of partners. A partner must meet every condition given.")
class PartnerFilter:
    program_id: ID | None = optional("Only partners that are members of this program.")
    name_prefix: str | None = optional("Only partners whose name starts with this text. Case-sensitive.")


@strawberry.enum(description="The fields that partners can be sorted by.")
class PartnerOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description=CREATED_AT)
    NAME = strawberry.enum_value("name", description="The name.")


@strawberry.input(description="The sort order of a list of partners.")
class PartnerOrder:
    field: PartnerOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Restricts a list of memberships. A membership must meet every condition given.")
class PartnerProgramFilter:
    program_id: ID | None = optional("Only memberships in this program.")
    partner_id: ID | None = optional("Only memberships of this partner.")
    is_owed: bool | None = optional(
        "Only memberships with approved commissions that are not paid (`true`), or only the others (`false`). Refunds "
        "may leave nothing to pay of them."
    )
    is_suspended: bool | None = optional(
        "Only memberships of partners who are suspended in the program (`true`), or only the others (`false`)."
    )
    search: str | None = optional(f"Only memberships of partners whose name contains this text. {IGNORING_CASE}")


@strawberry.enum(description="The fields that memberships can be sorted by.")
class PartnerProgramOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description=CREATED_AT)
    CLICKS = strawberry.enum_value("clicks", description=CLICKS)
    LEADS = strawberry.enum_value("leads", description=LEADS)
    SALES = strawberry.enum_value("sales", description=SALES)
    NAME = strawberry.enum_value("name", description="The partner's name.")
    LAST_CLICKED_AT = strawberry.enum_value("last_clicked_at", description=LAST_CLICKED)


@strawberry.input(description="The sort order of a list of memberships.")
class PartnerProgramOrder:
    field: PartnerProgramOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
