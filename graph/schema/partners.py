"""The mutations that create partners, add them to programs and suspend them there, with their inputs and payloads."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import ID

from graph.domain import partners, suspension
from graph.domain.context import Context
from graph.domain.permissions import check_manager
from graph.query.global_ids import RowRef, decode_key
from graph.schema.changes import KEEP, NAME, Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.types import PartnerProgramType, PartnerType


@strawberry.input(description="The input of `createPartner`.")
class CreatePartnerInput:
    name: str = value(f"The partner's name: {NAME}")
    email: str | None = optional("The partner's email address. Program tokens cannot read it.")
    program_id: ID | None = optional(
        "A program to add the partner to. A program token always adds the partner to its own program and cannot name "
        "another."
    )


@strawberry.input(description="The input of `updatePartner`.")
class UpdatePartnerInput:
    id: ID = value("The partner to update.")
    name: str | None = optional(f"The partner's name: {NAME} {KEEP}")
    email: str | None = optional(f"The partner's email address. Program tokens cannot read it. {KEEP}")


@strawberry.type(description="The result of `createPartner` and `updatePartner`.")
class PartnerPayload(Payload):
    partner: PartnerType | None = value("The partner after the change. Null if there are user errors.")
    partner_program: PartnerProgramType | None = value(
        "The partner's membership in the program. Null if the partner was not added to one."
    )


@strawberry.input(description="The input of `addPartnerToProgram`.")
class AddPartnerToProgramInput:
    partner_id: ID = value("The partner to add.")
    program_id: ID = value("The program to add the partner to.")


@strawberry.input(description="The input of `suspendPartner`.")
class SuspendPartnerInput:
    partner_id: ID = value("The partner to suspend.")
    program_id: ID = value("The program to suspend the partner in.")
    revoke_tokens: bool = strawberry.field(
        default=False,
        description="Whether to revoke the partner's tokens for this program as well, as far as your token can see "
        "them. Resuming the partner does not bring them back.",
    )


@strawberry.input(description="The input of `resumePartner`.")
class ResumePartnerInput:
    partner_id: ID = value("The partner to resume.")
    program_id: ID = value("The program to resume the partner in.")


@strawberry.type(description="The result of `addPartnerToProgram`, `suspendPartner` and `resumePartner`.")
class PartnerProgramPayload(Payload):
    partner_program: PartnerProgramType | None = value("The membership as it now is. Null if there are user errors.")


async def create_partner(context: Context, input: CreatePartnerInput) -> Mapping[str, Any]:
    viewer, named = check_manager(context), input_values(input)
    program_id = named.pop("program_id", viewer.program_id)
    row = await partners.create(context, **named, program_ids=() if program_id is None else [program_id])
    membership = None if program_id is None else RowRef("PartnerProgram", (program_id, row["id"]))
    return {"partner": RowRef("Partner", (row["id"],)), "partner_program": membership}


async def update_partner(context: Context, input: UpdatePartnerInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "Partner", "id")
    await partners.change(context, id, input_values(input))
    return {"partner": RowRef("Partner", (id,))}


async def add_partner_to_program(context: Context, input: AddPartnerToProgramInput) -> Mapping[str, Any]:
    row = await partners.join(context, **input_values(input))
    return {"partner_program": RowRef("PartnerProgram", (row["program_id"], row["partner_id"]))}


async def suspend_partner(context: Context, input: SuspendPartnerInput) -> Mapping[str, Any]:
    row = await suspension.suspend(context, **input_values(input))
    return {"partner_program": RowRef("PartnerProgram", (row["program_id"], row["partner_id"]))}


async def resume_partner(context: Context, input: ResumePartnerInput) -> Mapping[str, Any]:
    row = await suspension.resume(context, **input_values(input))
    return {"partner_program": RowRef("PartnerProgram", (row["program_id"], row["partner_id"]))}
