"""The mutations that issue and revoke API tokens, with their inputs and payloads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, UNSET

from db.lookups.tokens import NewToken
from graph.domain import tokens
from graph.domain.context import Context
from graph.query.global_ids import RowRef, decode_key
from graph.schema.changes import CLEAR, Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.token_filters import RoleType
from graph.schema.types import ApiTokenType


@strawberry.input(
    description="The input of `issueToken`. A program token can only issue partner and tracking tokens, limited to its "
    "own program."
)
class IssueTokenInput:
    role: RoleType = value("What the token can read and change.")
    program_id: ID | None = optional(
        "The program that the token is bound to. Required for the roles `PROGRAM` and `TRACKING`. With the role "
        "`PARTNER`, it limits the token to the partner's data in this program."
    )
    partner_id: ID | None = optional(
        "The partner that the token is bound to. Required for the role `PARTNER`, invalid for others."
    )
    label: str | None = optional("A label to tell tokens apart: 1 to 255 characters, without control characters.")
    expires_at: datetime | None = optional(
        "When the token expires. Must be in the future. The token never expires if this is omitted or null."
    )


@strawberry.type(description="The result of `issueToken`.")
class IssueTokenPayload(Payload):
    token: str | None = value(
        "The secret to send as `Authorization: Bearer`. It is stored only as a hash and cannot be shown again. Null "
        "if there are user errors."
    )
    api_token: ApiTokenType | None = value("The new token, without its secret. Null if there are user errors.")


@strawberry.input(description="The input of `updateToken`.")
class UpdateTokenInput:
    id: ID = value("The token to update.")
    label: str | None = optional(
        f"A label to tell tokens apart: 1 to 255 characters, without control characters. {CLEAR}"
    )


@strawberry.type(description="The result of `updateToken`.")
class UpdateTokenPayload(Payload):
    api_token: ApiTokenType | None = value("The token after the change. Null if there are user errors.")


@strawberry.input(description="The input of `revokeToken`.")
class RevokeTokenInput:
    id: ID = value("The token to revoke.")


@strawberry.type(description="The result of `revokeToken`.")
class RevokeTokenPayload(Payload):
    api_token: ApiTokenType | None = value("The revoked token. Null if there are user errors.")


async def issue_token(context: Context, input: IssueTokenInput) -> Mapping[str, Any]:
    secret, row = await tokens.issue(context, NewToken(**input_values(input)))
    return {"token": secret, "api_token": RowRef("ApiToken", (row["id"],))}


async def update_token(context: Context, input: UpdateTokenInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "ApiToken", "id")
    await tokens.change(context, id, {} if input.label is UNSET else {"label": input.label})
    return {"api_token": RowRef("ApiToken", (id,))}


async def revoke_token(context: Context, input: RevokeTokenInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "ApiToken", "id")
    await tokens.revoke(context, id)
    return {"api_token": RowRef("ApiToken", (id,))}
