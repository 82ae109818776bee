"""Creating and updating programs."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import ID

from graph.domain import programs
from graph.domain.context import Context
from graph.query.global_ids import RowRef, decode_key
from graph.schema.changes import CLEAR, KEEP, NAME, Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.types import ProgramType

DOMAIN = "The advertiser's own site, such as `yoursite.com`; of a URL the domain is kept, in its ASCII form."


@strawberry.input(description="A new program.")
class CreateProgramInput:
    name: str = value(NAME)
    domain: str | None = optional(DOMAIN)
    cookie_window_days: int = strawberry.field(default=60, description="For how many days a click counts: 1 to 3650.")


@strawberry.input(description="A change of a program.")
class UpdateProgramInput:
    id: ID = value("Which program.")
    name: str | None = optional(f"{NAME} {KEEP}")
    domain: str | None = optional(f"{DOMAIN} {CLEAR}")
    cookie_window_days: int | None = optional(f"For how many days a click counts: 1 to 3650. {KEEP}")


@strawberry.type(description="A program, made or changed.")
class ProgramPayload(Payload):
    program: ProgramType | None = value("The program as it is now; null if nothing was done.")


async def create_program(context: Context, input: CreateProgramInput) -> Mapping[str, Any]:
    row = await programs.create(context, **input_values(input))
    return {"program": RowRef("Program", (row["id"],))}


async def update_program(context: Context, input: UpdateProgramInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "Program", "id")
    await programs.change(context, id, input_values(input))
    return {"program": RowRef("Program", (id,))}
