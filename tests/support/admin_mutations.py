"""The mutations for administrators and program owners, as a client sends them, and a small data set for them."""

from dataclasses import dataclass
from typing import Any

from graph.query.global_ids import encode_id
from tests.support.gateways import Gateway

LINK = "referralLink { id databaseId code status destinationUrl url program { id } partner { id } }"
TOKEN = "apiToken { id role label program { id } partner { id } expiresAt revokedAt }"
MEMBERSHIP = "partnerProgram { program { id } partner { id } }"
SUSPENSION = "partnerProgram { suspendedAt program { id } partner { id } }"
USER_ERRORS = "userErrors { field message code }"
MONEY = "{ amount currency formatted }"
RULE = (
    "commissionRule { id event kind basisPoints durationMonths holdDays approval productId effectiveFrom effectiveTo "
    f"amount {MONEY} program {{ id }} partner {{ id }} }}"
)
COMMISSION = f"id status rejectedReason approvedAt amount {MONEY}"
# What each selects of the row that it created or changed.
TOLD = {
    "createProgram": "program { id databaseId name domain cookieWindowDays currency leadAuth }",
    "updateProgram": "program { id databaseId name domain cookieWindowDays currency leadAuth }",
    "createPartner": "partner { id databaseId name email } " + MEMBERSHIP,
    "updatePartner": "partner { id databaseId name email }",
    "addPartnerToProgram": MEMBERSHIP,
    "suspendPartner": SUSPENSION,
    "resumePartner": SUSPENSION,
    "createReferralLink": LINK,
    "updateReferralLink": LINK,
    "createCommissionRule": RULE,
    "endCommissionRule": RULE,
    "approveCommissions": f"commissions {{ {COMMISSION} }}",
    "rejectCommissions": f"commissions {{ {COMMISSION} }}",
    "rejectCommission": f"commission {{ {COMMISSION} }}",
    "recordPayout": f"payout {{ id note upTo amount {MONEY} program {{ id }} partner {{ id }} "
    "commissions { nodes { id } } refunds { nodes { id } } }",
    "startInstallationCheck": "url code page { state }",
    "runTestConversion": "click lead sale program { id }",
    "issueToken": "token " + TOKEN,
    "createSignInLink": "url expiresAt " + TOKEN,
    "updateToken": TOKEN,
    "revokeToken": TOKEN,
}


async def change(gateway: Gateway, mutation: str, token: str | None, **input: Any) -> dict[str, Any]:
    """Send a mutation; return the whole response."""
    type_name = mutation[0].upper() + mutation[1:] + "Input!"
    document = f"mutation ($input: {type_name}) {{ {mutation}(input: $input) {{ {TOLD[mutation]} {USER_ERRORS} }} }}"
    return await gateway.graphql(document, {"input": input}, token=token)


async def changed(gateway: Gateway, mutation: str, token: str | None, **input: Any) -> dict[str, Any]:
    """Send a mutation that must succeed; return its payload."""
    answer = await change(gateway, mutation, token, **input)
    assert "errors" not in answer, answer["errors"]
    payload: dict[str, Any] = answer["data"][mutation]
    assert payload.pop("userErrors") == []
    return payload


async def refusal(gateway: Gateway, mutation: str, token: str | None, **input: Any) -> tuple[str | None, str]:
    """Send a mutation that must fail; return the invalid field with its message, or None with the error's code."""
    answer = await change(gateway, mutation, token, **input)
    if "errors" in answer:
        (error,) = answer["errors"]
        return None, error["extensions"]["code"]
    payload = answer["data"][mutation]
    (told,) = payload.pop("userErrors")
    assert told["message"]
    assert not any(payload.values())
    return told["field"], told["code"]


@dataclass(frozen=True, slots=True)
class World:
    """Two programs, each with a partner and a link, and a partner in both, by global id. `owner`, `partner_token` and
    `tracking_token` belong to the first program and its partner."""

    program: str
    partner: str
    link: str
    elsewhere: str
    stranger: str
    foreign_link: str
    shared: str
    admin: str
    owner: str
    foreign_owner: str
    partner_token: str
    tracking_token: str


async def make_world(gateway: Gateway) -> World:
    program, elsewhere = await gateway.program(name="Shop"), await gateway.program(name="Elsewhere")
    partner, stranger = await gateway.partner(program), await gateway.partner(elsewhere)
    shared = await gateway.partner(program)
    link = await gateway.link("HERE", program=program, partner=partner)
    foreign_link = await gateway.link("THERE", program=elsewhere, partner=stranger)
    await gateway.link("SHARED-HERE", program=program, partner=shared)
    await gateway.link("SHARED-THERE", program=elsewhere, partner=shared)
    return World(
        program=encode_id("Program", program["id"]),
        partner=encode_id("Partner", partner["id"]),
        link=encode_id("ReferralLink", link["id"]),
        elsewhere=encode_id("Program", elsewhere["id"]),
        stranger=encode_id("Partner", stranger["id"]),
        foreign_link=encode_id("ReferralLink", foreign_link["id"]),
        shared=encode_id("Partner", shared["id"]),
        admin=await gateway.token(),
        owner=await gateway.token("program", program_id=program["id"]),
        foreign_owner=await gateway.token("program", program_id=elsewhere["id"]),
        partner_token=await gateway.token("partner", partner_id=partner["id"]),
        tracking_token=await gateway.token("tracking", program_id=program["id"]),
    )
