"""The mutation root: every mutation with its payload and description."""

import strawberry

from graph.schema import conversions
from graph.schema.changes import change
from graph.schema.clicks import TrackClickResult, track_click
from graph.schema.commission_rules import CommissionRulePayload, create_commission_rule, end_commission_rule
from graph.schema.commissions import (
    CommissionPayload,
    CommissionsPayload,
    PayoutPayload,
    approve_commissions,
    record_payout,
    reject_commission,
    reject_commissions,
)
from graph.schema.conversion_outcomes import TrackLeadResult, TrackRefundResult, TrackSaleResult
from graph.schema.installation import (
    InstallationCheckPayload,
    TestConversionPayload,
    run_test_conversion,
    start_installation_check,
)
from graph.schema.links import ReferralLinkPayload, create_referral_link, update_referral_link
from graph.schema.partners import (
    PartnerPayload,
    PartnerProgramPayload,
    add_partner_to_program,
    create_partner,
    resume_partner,
    suspend_partner,
    update_partner,
)
from graph.schema.programs import ProgramPayload, create_program, update_program
from graph.schema.sign_in_links import CreateSignInLinkPayload, create_sign_in_link
from graph.schema.tokens import (
    IssueTokenPayload,
    RevokeTokenPayload,
    UpdateTokenPayload,
    issue_token,
    revoke_token,
    update_token,
)


@strawberry.type(description="Everything that can be changed.")
class Mutation:
    track_click: TrackClickResult = strawberry.mutation(
        resolver=track_click,
        description="Records a click on a referral link, exactly as `POST /api/v1/track/click` does. Requires no "
        "token. Returns once the click is committed.",
    )
    track_lead: TrackLeadResult = strawberry.mutation(
        resolver=conversions.lead,
        description="Records a lead, exactly as `POST /api/v1/track/lead` does. Requires no token; one that is sent "
        "must be a tracking or program token. Returns once the lead is committed.",
    )
    track_sale: TrackSaleResult = strawberry.mutation(
        resolver=conversions.sale,
        description="Records a sale, exactly as `POST /api/v1/track/sale` does. Requires a tracking or program token. "
        "Returns once the sale is committed.",
    )
    track_refund: TrackRefundResult = strawberry.mutation(
        resolver=conversions.refund,
        description="Records a refund, exactly as `POST /api/v1/track/refund` does. Requires a tracking or program "
        "token. Returns once the refund is committed.",
    )
    create_program = change(create_program, ProgramPayload, "Creates a program. Requires an admin token.")
    update_program = change(
        update_program,
        ProgramPayload,
        "Updates a program. Requires an admin token, or the program's own token for its name, domain and attribution "
        "window.",
    )
    create_partner = change(create_partner, PartnerPayload, "Creates a partner. Requires an admin or program token.")
    update_partner = change(
        update_partner,
        PartnerPayload,
        "Updates a partner. Requires an admin token, or the token of a program while that is the partner's only one.",
    )
    add_partner_to_program = change(
        add_partner_to_program,
        PartnerProgramPayload,
        "Adds a partner to a program. Has no effect if the partner is already a member. Requires an admin token or "
        "the program's own token.",
    )
    suspend_partner = change(
        suspend_partner,
        PartnerProgramPayload,
        "Suspends a partner in a program: its links there record no clicks, whatever their own status. Customers whom "
        "it brought before still count for it. Has no effect if it is suspended already. Requires an admin token or "
        "the program's own token. The change applies to the next click on this gateway, and within a second on all "
        "others.",
    )
    resume_partner = change(
        resume_partner,
        PartnerProgramPayload,
        "Takes a suspended partner back: its active links record clicks again. Has no effect if it is not suspended. "
        "Requires an admin token or the program's own token. The change applies as that of `suspendPartner` does.",
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
    create_commission_rule = change(
        create_commission_rule,
        CommissionRulePayload,
        "Creates a commission rule, which ends the former one. Requires an admin token or the program's own token.",
    )
    end_commission_rule = change(
        end_commission_rule,
        CommissionRulePayload,
        "Ends a commission rule. Has no effect if it has ended. Recorded commissions stay as they are. Requires an "
        "admin token or the program's own token.",
    )
    approve_commissions = change(
        approve_commissions,
        CommissionsPayload,
        "Approves pending commissions before their hold is over, or those that are only approved by hand. Requires an "
        "admin token or the program's own token.",
    )
    reject_commission = change(
        reject_commission,
        CommissionPayload,
        "Rejects a commission that is not paid. Requires an admin token or the program's own token.",
    )
    reject_commissions = change(
        reject_commissions,
        CommissionsPayload,
        "Rejects commissions that are not paid. Requires an admin token or the program's own token.",
    )
    record_payout = change(
        record_payout,
        PayoutPayload,
        "Records a payout of a partner's approved commissions, less what refunds took off. It moves no money. Requires "
        "an admin token or the program's own token.",
    )
    start_installation_check = change(
        start_installation_check,
        InstallationCheckPayload,
        "Inspects a page of the program's site for the tracker's tag, and begins to wait for the click of a visit, "
        "which counts nowhere. Requires an admin token or the program's own token.",
    )
    run_test_conversion = change(
        run_test_conversion,
        TestConversionPayload,
        "Runs click, lead, sale and refund through the real code on rows that count nowhere, as `POST "
        "/api/v1/cli/test-event` does. A program can run ten an hour. Requires an admin token or the program's own "
        "token.",
    )
    issue_token = change(
        issue_token,
        IssueTokenPayload,
        "Issues an API token. Requires an admin token, or a program token if the new token is for one of its partners.",
    )
    create_sign_in_link = change(
        create_sign_in_link,
        CreateSignInLinkPayload,
        "Makes a link that signs one browser in to the dashboard once, with a new token each time. Requires an admin "
        "token, or a program token if the link is for one of its partners.",
    )
    update_token = change(
        update_token,
        UpdateTokenPayload,
        "Changes an API token's label. Requires an admin token, or the token of the program that the partner token is "
        "limited to.",
    )
    revoke_token = change(
        revoke_token,
        RevokeTokenPayload,
        "Revokes an API token. Requires an admin token, or the token of the program that the partner token is "
        "limited to. Every gateway rejects the revoked token within a second.",
    )
