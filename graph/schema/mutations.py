"""The root of every mutation: clicks for everybody, and changes for administrators and programs' owners.

A fault in the input is a `userError`; faults of access and of the server are errors of the request.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info
from strawberry.utils.str_converters import to_camel_case

from db.lookups.tokens import NewToken
from graph.domain import links, partners, programs, tokens
from graph.domain.context import Context
from graph.domain.errors import ClickgateError, FieldInvalid, InvalidRequest
from graph.domain.permissions import check_manager
from graph.execution.executor import selected_field
from graph.query.global_ids import RowRef, decode_key
from graph.schema import changes, resolvers
from graph.schema.clicks import TrackClickResult, track_click

# Whose ids the inputs take.
NAMED = {"program_id": "Program", "partner_id": "Partner"}
# Which field of the input an error is about that does not say so itself.
ABOUT = {
    "code_taken": "code",
    "unknown_link": "link_id",
    "unknown_partner": "partner_id",
    "unknown_program": "program_id",
    "unknown_token": "token_id",
}
# What cannot be empty: there, null is the same as left out.
FILLED = {"name", "code", "status", "cookie_window_days", "program_id", "partner_id", "email", "label", "expires_at"}


async def create_program(context: Context, input: changes.CreateProgramInput) -> Mapping[str, Any]:
    row = await programs.create(context, **given(input))
    return {"program": RowRef("Program", (row["id"],))}


async def update_program(context: Context, input: changes.UpdateProgramInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "Program", "id")
    await programs.change(context, id, given(input))
    return {"program": RowRef("Program", (id,))}


async def create_partner(context: Context, input: changes.CreatePartnerInput) -> Mapping[str, Any]:
    viewer, named = check_manager(context), given(input)
    program_id = named.pop("program_id", viewer.program_id)
    row = await partners.create(context, **named, program_ids=() if program_id is None else [program_id])
    membership = None if program_id is None else RowRef("PartnerProgram", (program_id, row["id"]))
    return {"partner": RowRef("Partner", (row["id"],)), "partner_program": membership}


async def add_partner_to_program(context: Context, input: changes.AddPartnerToProgramInput) -> Mapping[str, Any]:
    row = await partners.join(context, **given(input))
    return {"partner_program": RowRef("PartnerProgram", (row["program_id"], row["partner_id"]))}


async def create_referral_link(context: Context, input: changes.CreateReferralLinkInput) -> Mapping[str, Any]:
    row = await links.create(context, **given(input))
    return {"referral_link": RowRef("ReferralLink", (row["id"],))}


async def update_referral_link(context: Context, input: changes.UpdateReferralLinkInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "ReferralLink", "id")
    await links.change(context, id, given(input))
    return {"referral_link": RowRef("ReferralLink", (id,))}


async def issue_token(context: Context, input: changes.IssueTokenInput) -> Mapping[str, Any]:
    secret, row = await tokens.issue(context, NewToken(**given(input)))
    return {"token": secret, "api_token": RowRef("ApiToken", (row["id"],))}


async def revoke_token(context: Context, input: changes.RevokeTokenInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "ApiToken", "id")
    await tokens.revoke(context, id)
    return {"api_token": RowRef("ApiToken", (id,))}


def given(input: Any) -> dict[str, Any]:
    """Return what an input says, by the names that the resolvers take. Raises `FieldInvalid` for an id that is none."""
    said: dict[str, Any] = {}
    for field in fields(input):
        value = getattr(input, field.name)
        if field.name == "id" or value is UNSET or (value is None and field.name in FILLED):
            continue
        if field.name in NAMED:
            (value,) = decode_key(value, NAMED[field.name], field.name)
        said[field.name] = value.value if isinstance(value, Enum) else value
    return said


def user_error(error: ClickgateError, input: Any) -> dict[str, Any]:
    """Return an error as the API tells it, by the names that the input's fields have there."""
    about = error.field if isinstance(error, FieldInvalid) else ABOUT.get(error.code)
    if about is not None and not hasattr(input, about):  # it is the very thing that is to be changed
        about = "id"
    return {
        "field": about and to_camel_case(about),
        "message": error.worded(to_camel_case),
        "code": error.code,
    }


def change(verb: Callable[[Context, Any], Awaitable[Mapping[str, Any]]], payload: type, description: str) -> Any:
    """Return a mutation: it answers with the rows that the verb made, or with what is wrong with the input."""

    async def resolve(info: Info, input: Any) -> Any:
        check_manager(info.context)
        selection = selected_field(info)
        # What cannot be answered is not done, either.
        resolvers.check(selection)
        try:
            made = {"user_errors": [], **await verb(info.context, input)}
        except InvalidRequest as error:
            made = {"user_errors": [user_error(error, input)]}
        return await resolvers.compose(info.context, selection, made)

    resolve.__annotations__["input"] = Annotated[
        verb.__annotations__["input"], strawberry.argument(description="What to do.")
    ]
    resolve.__annotations__["return"] = payload
    return strawberry.mutation(resolver=resolve, description=description)


@strawberry.type(description="What can be changed.")
class Mutation:
    track_click: TrackClickResult = strawberry.mutation(
        resolver=track_click,
        description="Record a visitor's landing through a referral link: the twin of `POST /api/v1/track/click`. "
        "It needs no token, and answers once the click is committed.",
    )
    create_program = change(create_program, changes.ProgramPayload, "Make a program. Administrators may.")
    update_program = change(update_program, changes.ProgramPayload, "Change a program. Administrators may.")
    create_partner = change(
        create_partner, changes.PartnerPayload, "Make a partner. Administrators may, and programs for themselves."
    )
    add_partner_to_program = change(
        add_partner_to_program,
        changes.PartnerProgramPayload,
        "Take a partner into a program, if it is not in it yet. Administrators may, and programs for themselves.",
    )
    create_referral_link = change(
        create_referral_link,
        changes.ReferralLinkPayload,
        "Make a link. Administrators may, and programs for themselves. It takes clicks at once.",
    )
    update_referral_link = change(
        update_referral_link,
        changes.ReferralLinkPayload,
        "Change a link. Administrators may, and programs for themselves. The next click that this gateway receives "
        "sees the change; other gateways know within a second.",
    )
    issue_token = change(
        issue_token, changes.IssueTokenPayload, "Issue a token. Administrators may, and programs for their partners."
    )
    revoke_token = change(
        revoke_token,
        changes.RevokeTokenPayload,
        "Revoke a token. Administrators may, and programs what they issued. Gateways refuse it within a second.",
    )
