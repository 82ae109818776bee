"""The mutations that create and update referral links, and the query that finds one."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import ID

from graph.domain import links
from graph.domain.context import Context
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.query.global_ids import RowRef, decode_key
from graph.schema import resolvers
from graph.schema.changes import KEEP, Payload, input_values
from graph.schema.fields import optional, value
from graph.schema.link_filters import LinkStatus
from graph.schema.types import ReferralLinkType

CODE = "The link's code: 1 to 64 letters, digits, `-` and `_`. Codes are unique and case-sensitive."
URL = "The http or https URL of the landing page, up to 2048 characters. Null for the program's own site."


@strawberry.input(description="The input of `createReferralLink`.")
class CreateReferralLinkInput:
    program_id: ID = value("The program that the link advertises.")
    partner_id: ID = value("The partner who publishes the link. Must already be a member of the program.")
    code: str | None = optional(f"{CODE} One is made up if it is omitted or null.")
    destination_url: str | None = optional(URL)
    status: LinkStatus = strawberry.field(
        default=LinkStatus.ACTIVE, description="Whether clicks through the link are recorded."
    )


@strawberry.input(description="The input of `updateReferralLink`.")
class UpdateReferralLinkInput:
    id: ID = value("The link to update.")
    code: str | None = optional(f"{CODE} {KEEP}")
    destination_url: str | None = optional(f"{URL} Unchanged if omitted.")
    status: LinkStatus | None = optional(f"Whether clicks through the link are recorded. {KEEP}")


@strawberry.type(description="The result of `createReferralLink` and `updateReferralLink`.")
class ReferralLinkPayload(Payload):
    referral_link: ReferralLinkType | None = value("The link after the change. Null if there are user errors.")


async def create_referral_link(context: Context, input: CreateReferralLinkInput) -> Mapping[str, Any]:
    row = await links.create(context, links.NewLink(**input_values(input)))
    return {"referral_link": RowRef("ReferralLink", (row["id"],))}


async def update_referral_link(context: Context, input: UpdateReferralLinkInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "ReferralLink", "id")
    await links.change(context, id, input_values(input))
    return {"referral_link": RowRef("ReferralLink", (id,))}


async def referral_link(context: Context, selection: SelectedField) -> CompletedValue:
    name, value = resolvers.only_argument(selection, "code", "id")
    if name == "id":
        return await resolvers.row_by_id(context, selection, value)
    return await resolvers.row(context, selection, "ReferralLink", "code", code=resolvers.text_argument(name, value))
