"""What the management mutations share: payloads with `userErrors`, and the checks around each of them.

Invalid input becomes a `userErrors` entry; access and server errors fail the whole field.
"""

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

NAME = "1 to 255 characters, without control characters. Surrounding whitespace is removed."
KEEP = "Unchanged if omitted or null."
CLEAR = "Unchanged if omitted; null removes it."

# The input fields that take global ids, and the type of each.
ID_TYPES = {"program_id": "Program", "partner_id": "Partner"}

# The input field to blame for errors that do not name one.
ERROR_FIELDS = {
    "code_taken": "code",
    "unknown_link": "link_id",
    "unknown_rule": "rule_id",
    "unknown_commission": "ids",
    "commission_settled": "ids",
    "unknown_partner": "partner_id",
    "unknown_program": "program_id",
    "unknown_token": "token_id",
}

# Fields that cannot be cleared: null means the same as omitting them.
NOT_CLEARABLE = {
    "name",
    "code",
    "status",
    "cookie_window_days",
    "currency",
    "lead_auth",
    "program_id",
    "partner_id",
    "email",
    "label",
    "expires_at",
}


@strawberry.type(description="A problem with the input of a mutation. Nothing was changed.")
class UserError:
    field: str | None = value("The input field that caused the error. Null if no single field did.")
    message: str = value("A description of the problem, for people to read.")
    code: str = value("A stable error code such as `field_invalid`, shared with the REST API.")


@strawberry.interface(description="The result of a management mutation.")
class Payload:
    user_errors: list[UserError] = value("The problems with the input. Empty if the mutation succeeded.")


def input_values(input: Any) -> dict[str, Any]:
    """Return an input's values as keyword arguments for the domain. Raises `FieldInvalid` for a malformed id."""
    values: dict[str, Any] = {}
    for field in fields(input):
        value = getattr(input, field.name)
        if field.name == "id" or value is UNSET or (value is None and field.name in NOT_CLEARABLE):
            continue
        if field.name in ID_TYPES:
            (value,) = decode_key(value, ID_TYPES[field.name], field.name)
        values[field.name] = value.value if isinstance(value, Enum) else value
    return values


def user_error(error: ClickgateError, input: Any) -> dict[str, Any]:
    """Return an error as a `UserError`, with the input's field names in camelCase."""
    field = error.field if isinstance(error, FieldInvalid) else ERROR_FIELDS.get(error.code)
    if field is not None and not hasattr(input, field):  # the row being changed, which the input calls `id`
        field = "id"
    return {
        "field": field and to_camel_case(field),
        "message": error.worded(to_camel_case),
        "code": error.code,
    }


def change(verb: Callable[[Context, Any], Awaitable[Mapping[str, Any]]], payload: type, description: str) -> Any:
    """Return a mutation field that calls a verb and returns the rows it made, or the problems with its input."""

    async def resolve(info: Info, input: Any) -> Any:
        check_manager(info.context)
        selection = selected_field(info)
        # Check the selection first: a change whose result cannot be returned is not made.
        resolvers.check(selection)
        try:
            made = {"user_errors": [], **await verb(info.context, input)}
        except InvalidRequest as error:
            made = {"user_errors": [user_error(error, input)]}
        return await resolvers.compose(info.context, selection, made)

    resolve.__annotations__["input"] = Annotated[
        verb.__annotations__["input"], strawberry.argument(description="The mutation's input.")
    ]
    resolve.__annotations__["return"] = payload
    return strawberry.mutation(resolver=resolve, description=description)
