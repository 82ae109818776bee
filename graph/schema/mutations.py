"""The mutation root."""

import strawberry

from graph.schema.changes import change
from graph.schema.clicks import TrackClickResult, track_click
from graph.schema.links import ReferralLinkPayload, create_referral_link, update_referral_link
from graph.schema.partners import PartnerPayload, PartnerProgramPayload, add_partner_to_program, create_partner
from graph.schema.programs import ProgramPayload, create_program, update_program
from graph.schema.tokens import IssueTokenPayload, RevokeTokenPayload, issue_token, revoke_token


@strawberry.type(description="What can be changed.")
class Mutation:
    track_click: TrackClickResult = strawberry.mutation(
        resolver=track_click,
        description="Record a visitor's landing through a referral link: the twin of `POST /api/v1/track/click`. "
        "It needs no token, and answers once the click is committed.",
    )
    create_program = change(create_program, ProgramPayload, "Make a program. Administrators may.")
    update_program = change(update_program, ProgramPayload, "Change a program. Administrators may.")
    create_partner = change(
        create_partner, PartnerPayload, "Make a partner. Administrators may, and programs for themselves."
    )
    add_partner_to_program = change(
        add_partner_to_program,
        PartnerProgramPayload,
        "Take a partner into a program, if it is not in it yet. Administrators may, and programs for themselves.",
    )
    create_referral_link = change(
        create_referral_link,
        ReferralLinkPayload,
        "Make a link. Administrators may, and programs for themselves. It takes clicks at once.",
    )
    update_referral_link = change(
        update_referral_link,
        ReferralLinkPayload,
        "Change a link. Administrators may, and programs for themselves. The next click that this gateway receives "
        "sees the change; other gateways know within a second.",
    )
    issue_token = change(
        issue_token, IssueTokenPayload, "Issue a token. Administrators may, and programs for their partners."
    )
    revoke_token = change(
        revoke_token,
        RevokeTokenPayload,
        "Revoke a token. Administrators may, and programs what they issued. Gateways refuse it within a second.",
    )
