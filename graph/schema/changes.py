"""What the mutations of administrators and program owners have in common."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info
from strawberry.utils.str_converters import to_camel_case

from graph.domain.context import Context
from graph.domain.errors import ClickgateError, FieldInvalid, InvalidRequest
from graph.domain.permissions import check_manager
from graph.execution.executor import selected_field
from graph.query.global_ids import decode_key
from graph.schema import resolvers
from graph.schema.fields import value

NAME = "What to call it: 1 to 255 characters, without control characters; white space around them is dropped."

KEEP = "Left out or null, it stays."

CLEAR = "Left out, it stays; null removes it."

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


@strawberry.type(description="What is wrong with an input; nothing was changed.")
class UserError:
    field: str | None = value("The input's field, if it is one field's fault.")
    message: str = value("What is wrong, in words.")
    code: str = value("A stable name of what is wrong, the same as in the REST API.")


@strawberry.interface(description="What a change answers.")
class Payload:
    user_errors: list[UserError] = value("What is wrong with the input; empty if the change was made.")


def input_values(input: Any) -> dict[str, Any]:
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
