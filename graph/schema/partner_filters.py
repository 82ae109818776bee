"""Filters and orders of lists of partners and of their memberships."""

from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection


@strawberry.input(description="Which partners; all conditions must hold.")
class PartnerFilter:
    program_id: ID | None = optional("Only partners in this program.")
    name_prefix: str | None = optional("Only names that begin so; case matters.")


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
    program_id: ID | None = optional("Only of this program.")
    partner_id: ID | None = optional("Only of this partner.")


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
