"""Filter and order of lists of API tokens."""

from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection


@strawberry.enum(name="Role", description="Whose data a token shows, and what it may change.")
class TokenRole(Enum):
    ADMIN = strawberry.enum_value("admin", description="Everything.")
    PROGRAM = strawberry.enum_value("program", description="One program: it may change its partners, links and tokens.")
    PARTNER = strawberry.enum_value("partner", description="One partner, who may change nothing.")


@strawberry.input(description="Which tokens; all conditions must hold.")
class ApiTokenFilter:
    program_id: ID | None = optional("Only those bound to this program.")
    partner_id: ID | None = optional("Only those bound to this partner.")
    role: TokenRole | None = optional("Only of this role.")
    is_usable: bool | None = optional("Only those that are neither revoked nor expired, or only the others.")


@strawberry.enum(description="What tokens are sorted by.")
class ApiTokenOrderField(Enum):
    CREATED_AT = "created_at"


@strawberry.input(description="How tokens are sorted.")
class ApiTokenOrder:
    field: ApiTokenOrderField = strawberry.field(default=ApiTokenOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
