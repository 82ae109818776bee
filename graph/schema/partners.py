"""Creating partners and adding them to programs."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import ID

from graph.domain import partners
from graph.domain.context import Context
from graph.domain.permissions import check_manager
from graph.query.global_ids import RowRef
from graph.schema.changes import NAME, Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.types import PartnerProgramType, PartnerType


@strawberry.input(description="A new partner.")
class CreatePartnerInput:
    name: str = value(NAME)
    email: str | None = optional("An e-mail address. It is not shown to programs.")
    program_id: ID | None = optional(
        "A program to take the partner into. A program's owner need not name the own one, and can name no other."
    )


@strawberry.type(description="A partner, made.")
class PartnerPayload(Payload):
    partner: PartnerType | None = value("The partner; null if nothing was done.")
    partner_program: PartnerProgramType | None = value("The membership, if the partner was taken into a program.")


@strawberry.input(description="A partner to take into a program.")
class AddPartnerToProgramInput:
    partner_id: ID = value("Which partner.")
    program_id: ID = value("Into which program.")


@strawberry.type(description="A membership.")
class PartnerProgramPayload(Payload):
    partner_program: PartnerProgramType | None = value("The membership, new or as it was; null if nothing was done.")


async def create_partner(context: Context, input: CreatePartnerInput) -> Mapping[str, Any]:
    viewer, named = check_manager(context), input_values(input)
    program_id = named.pop("program_id", viewer.program_id)
    row = await partners.create(context, **named, program_ids=() if program_id is None else [program_id])
    membership = None if program_id is None else RowRef("PartnerProgram", (program_id, row["id"]))
    return {"partner": RowRef("Partner", (row["id"],)), "partner_program": membership}


async def add_partner_to_program(context: Context, input: AddPartnerToProgramInput) -> Mapping[str, Any]:
    row = await partners.join(context, **input_values(input))
    return {"partner_program": RowRef("PartnerProgram", (row["program_id"], row["partner_id"]))}
