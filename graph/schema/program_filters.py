"""Who can record leads of a program, and the filter and the sort order of program lists."""

from enum import Enum

import strawberry

from graph.schema.fields import optional
from graph.schema.sorting import BY, CREATED_AT, DIRECTION, OrderDirection


@strawberry.enum(description="Who can record leads that count at once.")
class LeadAuth(Enum):
    BROWSER = strawberry.enum_value("browser", description="Anyone who sends the click id of the tracker's cookie.")
    SERVER = strawberry.enum_value(
        "server",
        description="Only servers with a token of the program. A lead without one is provisional: it counts once a "
        "lead with a token or a sale confirms it.",
    )


@strawberry.input(description="Restricts a list of programs. A program must meet every condition given.")
class ProgramFilter:
    name_prefix: str | None = optional("Only programs whose name starts with this text. Case-sensitive.")


@strawberry.enum(description="The fields that programs can be sorted by.")
class ProgramOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description=CREATED_AT)
    NAME = strawberry.enum_value("name", description="The name.")


@strawberry.input(description="The sort order of a list of programs.")
class ProgramOrder:
    field: ProgramOrderField = strawberry.field(description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
