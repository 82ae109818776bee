"""The filter and the sort order of customer lists."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, CREATED_AT, DIRECTION, OrderDirection


@strawberry.input(description="Restricts a list of customers. A customer must meet every condition given.")
class CustomerFilter:
    program_id: ID | None = optional("Only customers of this program.")
    partner_id: ID | None = optional("Only customers whose latest click came from this partner.")
    referral_link_id: ID | None = optional("Only customers whose latest click came through this link.")
    customer_status: str | None = optional("Only customers with this status, such as `click`. Case-insensitive.")
    customer_key: str | None = optional("Only the customer that the merchant knows by this key. Case-sensitive.")
    created_from: datetime | None = optional("Only customers created at or after this time.")
    created_to: datetime | None = optional("Only customers created before this time.")


@strawberry.enum(description="The fields that customers can be sorted by.")
class CustomerOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description=CREATED_AT)
    UPDATED_AT = strawberry.enum_value(
        "updated_at",
        description="The time of the latest change. In ascending order, a customer that changes moves to the end of "
        "the list, so polling from the last `endCursor` misses no change.",
    )


@strawberry.input(description="The sort order of a list of customers.")
class CustomerOrder:
    field: CustomerOrderField = strawberry.field(default=CustomerOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
