"""The bodies of the endpoints that merchants integrate with. The OpenAPI document is generated from these types."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from graph.integrations.activity import DayCounts, LastEvents
from graph.integrations.readiness import Gate

VerdictName = Literal["attributed", "unattributed", "wrong_partner", "pending"]
BlockerName = Literal["profile", "economics", "payout", "tracking", "live"]


class ChainVerdicts(Struct, frozen=True):
    """What became of each step. A sale is attributed if it earned the chain's partner a commission."""

    click: VerdictName
    lead: VerdictName
    sale: VerdictName


class ChainData(Struct, frozen=True):
    """The self-test's result. Its link and its customer do not exist any more."""

    type: Annotated[str, Meta(extra_json_schema={"const": "chain"})]
    short_code: Annotated[str, Meta(description="The code that the test's referral link had.")]
    customer_key: Annotated[str, Meta(description="The key that the test's customer had.")]
    verdict: ChainVerdicts
    attributed: Annotated[bool, Meta(description="Whether every step was attributed.")]


class ChainTried(Struct, frozen=True):
    """The self-test has run. None of it is counted or kept."""

    data: ChainData


class EventTried(Struct, frozen=True):
    """A single test event was recorded. It is attributed to nobody and counted nowhere."""

    event_type: Literal["click", "lead", "sale"]
    event_id: Annotated[int, Meta(description="The test event's id.")]
    received: Annotated[bool, Meta(extra_json_schema={"const": True})]
    attributed: Annotated[bool, Meta(extra_json_schema={"const": False})]
    message: str


class MerchantError(Struct, frozen=True, omit_defaults=True):
    """An error in the form that the endpoint's clients read."""

    code: Annotated[str, Meta(description="A stable name of the error, for programs.")]
    message: Annotated[str, Meta(description="A message for people.")]
    status: Annotated[int | None, Meta(description="The status code of the response.")] = None
    retry_after_seconds: Annotated[int | None, Meta(description="Seconds to wait before a retry.")] = None


class MerchantProblem(Struct, frozen=True):
    """An error."""

    error: MerchantError


class Gates(Struct, frozen=True):
    """The gates, in the order in which they are to be passed."""

    profile: Annotated[Gate, Meta(description="The program has a name and a domain.")]
    economics: Annotated[Gate, Meta(description="A commission rule is in force.")]
    payout: Annotated[Gate, Meta(description="Always passed: payouts are recorded by hand.")]
    tracking: Annotated[
        Gate,
        Meta(
            description="A click came within seven days (`receiving_events`), or a page of the program's domain loaded "
            "the tracker (`tracker_installed`)."
        ),
    ]
    live: Annotated[Gate, Meta(description="A chain passed after the newest token was issued.")]


class Poll(Struct, frozen=True):
    """How often to ask again."""

    retry_after_seconds: int = 5


class ReadinessAnswer(Struct, frozen=True):
    """How far the program's integration has come. Ask again until `integration_verified` is true."""

    program_id: int
    state: Literal["draft", "configuring", "ready", "integration_verified", "live_verified"]
    integration_verified: Annotated[
        bool, Meta(description="Whether the state is `integration_verified` or `live_verified`.")
    ]
    blocker: Annotated[BlockerName | None, Meta(description="The first gate that is not passed; null if all are.")]
    gates: Gates
    last_event_at: LastEvents
    counts_24h: DayCounts
    key_rotated_at: Annotated[datetime | None, Meta(description="When the newest token of the program was issued.")]
    poll: Poll = Poll()


class RecentEvents(Struct, frozen=True):
    """The events of 24 hours."""

    clicks_24h: int
    leads_24h: int
    sales_24h: int


class StatusAnswer(Struct, frozen=True):
    """A program's status in short."""

    program_id: int
    name: str
    domain: str | None
    dns_verified: Annotated[bool, Meta(description="Always false: clickgate needs no records in the DNS.")]
    stripe_connected: Annotated[bool, Meta(description="Always false: clickgate records payouts, it moves no money.")]
    recent_events: RecentEvents
    active_partners: Annotated[int, Meta(description="The program's partners.")]
    pending_commissions: Annotated[int, Meta(description="Commissions that are neither approved nor rejected yet.")]
