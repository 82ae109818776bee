"""The mutation root: every mutation with its payload and description."""

import strawberry

from graph.schema.changes import change
from graph.schema.clicks import TrackClickResult, track_click
from graph.schema.links import ReferralLinkPayload, create_referral_link, update_referral_link
from graph.schema.partners import PartnerPayload, PartnerProgramPayload, add_partner_to_program, create_partner
from graph.schema.programs import ProgramPayload, create_program, update_program
from graph.schema.tokens import IssueTokenPayload, RevokeTokenPayload, issue_token, revoke_token


@strawberry.type(description="Everything that can be changed.")
class Mutation:
    track_click: TrackClickResult = strawberry.mutation(
        resolver=track_click,
        description="Records a click on a referral link, exactly as `POST /api/v1/track/click` does. Requires no "
        "token. Returns once the click is committed.",
    )
    create_program = change(create_program, ProgramPayload, "Creates a program. Requires an admin token.")
    update_program = change(update_program, ProgramPayload, "Updates a program. Requires an admin token.")
    create_partner = change(create_partner, PartnerPayload, "Creates a partner. Requires an admin or program token.")
    add_partner_to_program = change(
        add_partner_to_program,
        PartnerProgramPayload,
        "Adds a partner to a program. Has no effect if the partner is already a member. Requires an admin token or "
        "the program's own token.",
    )
    create_referral_link = change(
        create_referral_link,
        ReferralLinkPayload,
        "Creates a referral link, which can record clicks at once. Requires an admin token or the program's own token.",
    )
    update_referral_link = change(
        update_referral_link,
        ReferralLinkPayload,
        "Updates a referral link. Requires an admin token or the program's own token. The change applies to the next "
        "click on this gateway, and within a second on all others.",
    )
    issue_token = change(
        issue_token,
        IssueTokenPayload,
        "Issues an API token. Requires an admin token, or a program token if the new token is for one of its partners.",
    )
    revoke_token = change(
        revoke_token,
        RevokeTokenPayload,
        "Revokes an API token. Requires an admin token, or the token of the program that the partner token is "
        "limited to. Every gateway rejects the revoked token within a second.",
    )
