"""The mutations that create and update programs, with their inputs and payload."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import ID

from graph.domain import programs
from graph.domain.context import Context
from graph.query.global_ids import RowRef, decode_key
from graph.schema.changes import CLEAR, KEEP, NAME, Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.program_filters import LeadAuth
from graph.schema.types import ProgramType

DOMAIN = (
    "The domain of the advertiser's site, such as `yoursite.com`. A URL is reduced to its domain, and an "
    "internationalized domain is stored in its ASCII (punycode) form."
)
CURRENCY = "The ISO 4217 code, in any case, of the currency of sales that name none."
LEAD_AUTH = "Who can record leads that count at once."


@strawberry.input(description="The input of `createProgram`.")
class CreateProgramInput:
    name: str = value(f"The program's name: {NAME}")
    domain: str | None = optional(DOMAIN)
    cookie_window_days: int = strawberry.field(
        default=60, description="The attribution window in days, from 1 to 3650."
    )
    currency: str = strawberry.field(default="USD", description=CURRENCY)
    lead_auth: LeadAuth = strawberry.field(default=LeadAuth.BROWSER, description=LEAD_AUTH)


@strawberry.input(description="The input of `updateProgram`.")
class UpdateProgramInput:
    id: ID = value("The program to update.")
    name: str | None = optional(f"The program's name: {NAME} {KEEP}")
    domain: str | None = optional(f"{DOMAIN} {CLEAR}")
    cookie_window_days: int | None = optional(f"The attribution window in days, from 1 to 3650. {KEEP}")
    currency: str | None = optional(f"{CURRENCY} {KEEP}")
    lead_auth: LeadAuth | None = optional(f"{LEAD_AUTH} {KEEP}")


@strawberry.type(description="The result of `createProgram` and `updateProgram`.")
class ProgramPayload(Payload):
    program: ProgramType | None = value("The program after the change. Null if there are user errors.")


async def create_program(context: Context, input: CreateProgramInput) -> Mapping[str, Any]:
    row = await programs.create(context, programs.NewProgram(**input_values(input)))
    return {"program": RowRef("Program", (row["id"],))}


async def update_program(context: Context, input: UpdateProgramInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "Program", "id")
    await programs.change(context, id, input_values(input))
    return {"program": RowRef("Program", (id,))}
