"""Sort direction, and the descriptions that every order input shares."""

from enum import Enum

import strawberry

BY = "The field to sort by."
DIRECTION = "The sort direction."
CREATED_AT = "The creation time."
CHANGES = "It changes while {} arrive, so a row may appear on two pages or on none."
CLICKS = f"The number of recorded clicks. {CHANGES.format('clicks')}"
LEADS = f"The number of leads, without provisional ones. {CHANGES.format('leads')}"
SALES = f"The number of sales. {CHANGES.format('sales')}"
IGNORING_CASE = "The case of the letters A to Z does not matter."
LAST_CLICKED = (
    "The time of the latest click; rows without clicks sort as the earliest. It changes while clicks arrive, so a row "
    "may appear on two pages or on none."
)


@strawberry.enum(
    description="A sort direction. Text is compared by Unicode code point, so capitals sort before lowercase."
)
class OrderDirection(Enum):
    ASC = strawberry.enum_value("asc", description="Ascending: smallest, earliest or alphabetically first.")
    DESC = strawberry.enum_value("desc", description="Descending: largest, latest or alphabetically last.")
