"""The role of an API token, and the filter and sort order of token lists."""

from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, CREATED_AT, DIRECTION, OrderDirection


@strawberry.enum(name="Role", description="What a token can read and change.")
class RoleType(Enum):
    ADMIN = strawberry.enum_value("admin", description="Reads and changes everything.")
    PROGRAM = strawberry.enum_value(
        "program",
        description="Reads one program, manages its partners, links, partner tokens and tracking tokens, and records "
        "conversions for it.",
    )
    PARTNER = strawberry.enum_value("partner", description="Reads one partner's data. Cannot change anything.")
    TRACKING = strawberry.enum_value(
        "tracking", description="Records conversions for one program. Cannot read anything."
    )


@strawberry.input(description="Restricts a list of tokens. A token must meet every condition given.")
class ApiTokenFilter:
    program_id: ID | None = optional("Only tokens bound to this program.")
    partner_id: ID | None = optional("Only tokens bound to this partner.")
    role: RoleType | None = optional("Only tokens with this role.")
    is_usable: bool | None = optional(
        "Only tokens that are neither revoked nor expired (`true`), or only the others (`false`)."
    )


@strawberry.enum(description="The fields that tokens can be sorted by.")
class ApiTokenOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description=CREATED_AT)


@strawberry.input(description="The sort order of a list of tokens.")
class ApiTokenOrder:
    field: ApiTokenOrderField = strawberry.field(default=ApiTokenOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
