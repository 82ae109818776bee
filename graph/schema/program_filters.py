"""Filter and order of lists of programs."""

from enum import Enum

import strawberry

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection


@strawberry.input(description="Which programs; all conditions must hold.")
class ProgramFilter:
    name_prefix: str | None = optional("Only names that begin so; case matters.")


@strawberry.enum(description="What programs are sorted by.")
class ProgramOrderField(Enum):
    CREATED_AT = "created_at"
    NAME = "name"


@strawberry.input(description="How programs are sorted.")
class ProgramOrder:
    field: ProgramOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
