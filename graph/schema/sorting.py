"""Sort direction, and the descriptions that every order input shares."""

from enum import Enum

import strawberry

BY = "The field to sort by."
DIRECTION = "The sort direction."
CREATED_AT = "The creation time."
CLICKS = "The number of recorded clicks. It changes while clicks arrive, so a row may appear on two pages or on none."
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
