"""The inputs and payloads of the mutations that administrators and programs' owners use."""

from datetime import datetime

import strawberry
from strawberry import ID

from graph.schema.fields import value
from graph.schema.inputs import LinkStatus, TokenRole, given
from graph.schema.types import ApiTokenType, PartnerProgramType, PartnerType, ProgramType, ReferralLinkType

NAME = "What to call it: 1 to 255 characters, without control characters; white space around them is dropped."
URL = "Where the link leads: an http or https URL. Null for the program's own site."
CODE = "The code: 1 to 64 letters, digits, `-` and `_`. No two links have the same."
DOMAIN = "The advertiser's own site, such as `yoursite.com`; of a URL the domain is kept, in its ASCII form."
KEEP = "Left out or null, it stays."
CLEAR = "Left out, it stays; null removes it."


@strawberry.type(description="What is wrong with an input; nothing was changed.")
class UserError:
    field: str | None = value("The input's field, if it is one field's fault.")
    message: str = value("What is wrong, in words.")
    code: str = value("A stable name of what is wrong, the same as in the REST API.")


@strawberry.interface(description="What a change answers.")
class Payload:
    user_errors: list[UserError] = value("What is wrong with the input; empty if the change was made.")


@strawberry.input(description="A new program.")
class CreateProgramInput:
    name: str = value(NAME)
    domain: str | None = given(DOMAIN)
    cookie_window_days: int = strawberry.field(default=60, description="For how many days a click counts: 1 to 3650.")


@strawberry.input(description="A change of a program.")
class UpdateProgramInput:
    id: ID = value("Which program.")
    name: str | None = given(f"{NAME} {KEEP}")
    domain: str | None = given(f"{DOMAIN} {CLEAR}")
    cookie_window_days: int | None = given(f"For how many days a click counts: 1 to 3650. {KEEP}")


@strawberry.type(description="A program, made or changed.")
class ProgramPayload(Payload):
    program: ProgramType | None = value("The program as it is now; null if nothing was done.")


@strawberry.input(description="A new partner.")
class CreatePartnerInput:
    name: str = value(NAME)
    email: str | None = given("An e-mail address. It is not shown to programs.")
    program_id: ID | None = given(
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


@strawberry.input(description="A new link.")
class CreateReferralLinkInput:
    code: str = value(CODE)
    program_id: ID = value("The program that it advertises.")
    partner_id: ID = value("The partner who publishes it; in the program already.")
    destination_url: str | None = given(URL)
    status: LinkStatus = strawberry.field(default=LinkStatus.ACTIVE, description="Whether its clicks are recorded.")


@strawberry.input(description="A change of a link.")
class UpdateReferralLinkInput:
    id: ID = value("Which link.")
    code: str | None = given(f"{CODE} {KEEP}")
    destination_url: str | None = given(f"{URL} Left out, it stays.")
    status: LinkStatus | None = given(f"Whether its clicks are recorded. {KEEP}")


@strawberry.type(description="A link, made or changed.")
class ReferralLinkPayload(Payload):
    referral_link: ReferralLinkType | None = value("The link as it is now; null if nothing was done.")


@strawberry.input(
    description="A new token. A program's owner issues its partners' tokens, which show that program only."
)
class IssueTokenInput:
    role: TokenRole = value("Whose data it shows.")
    program_id: ID | None = given("The program, for the role `PROGRAM`; for `PARTNER`, the only one that it shows.")
    partner_id: ID | None = given("The partner, for the role `PARTNER`.")
    label: str | None = given("What it is used for, to tell tokens apart; a name like any other.")
    expires_at: datetime | None = given("When it ceases to be accepted; never, if left out.")


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
