"""Issuing and revoking API tokens."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from db.lookups.tokens import NewToken
from graph.domain import tokens
from graph.domain.context import Context
from graph.query.global_ids import RowRef, decode_key
from graph.schema.changes import Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.token_filters import TokenRole
from graph.schema.types import ApiTokenType


@strawberry.input(
    description="A new token. A program's owner issues its partners' tokens, which show that program only."
)
class IssueTokenInput:
    role: TokenRole = value("Whose data it shows.")
    program_id: ID | None = optional("The program, for the role `PROGRAM`; for `PARTNER`, the only one that it shows.")
    partner_id: ID | None = optional("The partner, for the role `PARTNER`.")
    label: str | None = optional("What it is used for, to tell tokens apart; a name like any other.")
    expires_at: datetime | None = optional("When it ceases to be accepted; never, if left out.")


@strawberry.type(description="A token, issued.")
class IssueTokenPayload(Payload):
    token: str | None = value("The secret. It is shown this once, and nobody can read it again.")
    api_token: ApiTokenType | None = value("What is kept of it; null if nothing was done.")


@strawberry.input(description="A token to revoke.")
class RevokeTokenInput:
    id: ID = value("Which token.")


@strawberry.type(description="A token, revoked.")
class RevokeTokenPayload(Payload):
    api_token: ApiTokenType | None = value("The token as it is now; null if nothing was done.")


async def issue_token(context: Context, input: IssueTokenInput) -> Mapping[str, Any]:
    secret, row = await tokens.issue(context, NewToken(**input_values(input)))
    return {"token": secret, "api_token": RowRef("ApiToken", (row["id"],))}


async def revoke_token(context: Context, input: RevokeTokenInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "ApiToken", "id")
    await tokens.revoke(context, id)
    return {"api_token": RowRef("ApiToken", (id,))}
