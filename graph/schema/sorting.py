"""How lists are sorted: what the orders of all of them share."""

from enum import Enum

import strawberry

BY = "By what."

DIRECTION = "In which direction."


@strawberry.enum(description="The direction of an order.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("asc", description="Smallest, earliest or first in the alphabet first.")
    DESC = strawberry.enum_value("desc", description="Largest, latest or last in the alphabet first.")
