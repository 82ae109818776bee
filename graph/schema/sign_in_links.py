"""The mutation that makes sign-in links."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from db.lookups.tokens import NewToken
from graph.domain import sign_in_links
from graph.domain.context import Context
from graph.domain.sign_in_links import DAYS, MOST_DAYS
from graph.query.global_ids import RowRef
from graph.schema.changes import Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.token_filters import RoleType
from graph.schema.types import ApiTokenType


@strawberry.input(
    description="The input of `createSignInLink`. A program token can only invite partners, limited to its own program."
)
class CreateSignInLinkInput:
    role: RoleType | None = optional("Whom the link signs in. `PARTNER` if omitted or null; `TRACKING` is invalid.")
    program_id: ID | None = optional(
        "The program that is signed in. Required for the role `PROGRAM`. With the role `PARTNER`, it limits the "
        "partner to its data in this program."
    )
    partner_id: ID | None = optional("The partner who is signed in. Required for the role `PARTNER`.")
    label: str | None = optional(
        "A label of the new token: 1 to 255 characters, without control characters. `Sign-in link` if omitted or null."
    )
    valid_days: int | None = optional(
        f"For how many days the link can be used: 1 to {MOST_DAYS}. {DAYS} if omitted or null."
    )


@strawberry.type(description="The result of `createSignInLink`.")
class CreateSignInLinkPayload(Payload):
    url: str | None = value(
        "The link to the dashboard, which signs one browser in once. Its secret cannot be shown again. Without "
        "scheme and host if `CLICKGATE_PUBLIC_URL` is not set. Null if there are user errors."
    )
    expires_at: datetime | None = value("Until when the link can be used. Null if there are user errors.")
    api_token: ApiTokenType | None = value(
        "The new token that the link signs in with. Revoking it ends the link, or the session that it opened. Null if "
        "there are user errors."
    )


async def create_sign_in_link(context: Context, input: CreateSignInLinkInput) -> Mapping[str, Any]:
    given = {name: value for name, value in input_values(input).items() if value is not None}
    days = given.pop("valid_days", DAYS)
    link = await sign_in_links.create(context, NewToken(**{"role": "partner", **given}), days)
    return {
        "url": link.url,
        "expires_at": link.expires_at,
        "api_token": RowRef("ApiToken", (link.token_id,)),
    }
