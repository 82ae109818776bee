"""Filter and order of lists of customers."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection


@strawberry.input(description="Which customers; all conditions must hold.")
class CustomerFilter:
    program_id: ID | None = optional("Only of this program.")
    partner_id: ID | None = optional("Only those whose latest click came through this partner.")
    referral_link_id: ID | None = optional("Only those whose latest click came through this link.")
    customer_status: str | None = optional("Only of this status, such as `click`, in any case.")
    created_from: datetime | None = optional("Only created then or later.")
    created_to: datetime | None = optional("Only created before.")


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
