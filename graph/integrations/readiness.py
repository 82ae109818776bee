"""How far a program's integration has come: five gates, the first that blocks it, and a state."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.ingest.integrations.statements import passed
from db.schema.commissions import CommissionRule
from db.schema.integrations import TestChain, TrackerSite
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from graph.domain.context import Context
from graph.domain.errors import outages
from graph.domain.permissions import check_program
from graph.integrations.activity import DayCounts, LastEvents, count_day, last_events

# For so long a click proves that the tracker works, and a sale that the integration is in use.
CLICK_PROVES, SALE_PROVES = timedelta(days=7), timedelta(days=30)

GateName = Literal["profile", "economics", "payout", "tracking", "live"]
State = Literal["draft", "configuring", "ready", "integration_verified", "live_verified"]


class Gate(Struct, frozen=True, omit_defaults=True):
    """One gate: whether it is passed, and what to do if it is not."""

    status: Literal["pass", "fail", "unknown"]
    next_action: str | None = None
    mode: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """A program's gates in their order, and what they follow from."""

    program_id: int
    state: State
    gates: Mapping[GateName, Gate]
    last_event_at: LastEvents
    counts_24h: DayCounts
    key_rotated_at: datetime | None

    @property
    def blocker(self) -> GateName | None:
        """The first gate that is not passed."""
        return next((name for name, gate in self.gates.items() if gate.status != "pass"), None)

    @property
    def is_verified(self) -> bool:
        """Whether a test chain or a real sale has proved that the integration works."""
        return self.state in ("integration_verified", "live_verified")


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is stored of a program that its readiness follows from."""

    has_profile: bool
    has_rule: bool
    has_tracker: bool
    key_issued_at: datetime | None
    chain_passed_at: datetime | None
    last: LastEvents

    @property
    def is_proved(self) -> bool:
        """Whether a chain has passed since the newest key was issued."""
        passed_at, issued_at = self.chain_passed_at, self.key_issued_at
        return passed_at is not None and (issued_at is None or passed_at > issued_at)


async def read_readiness(context: Context) -> Readiness:
    """Return the readiness of the token's program. Raises `Unauthenticated` for a token that is not a program's own,
    `DatabaseAway`."""
    return await readiness_of(context, check_program(context))


async def readiness_of(context: Context, program_id: int) -> Readiness:
    """Return the readiness of an existing program, which the viewer may manage. Raises `DatabaseAway`."""
    services = context.services
    with outages():
        await services.tracker_sites.write()
        now = services.clock()
        async with services.store.read() as connection:
            facts = await _facts(connection, program_id, now)
        counts = await count_day(context, program_id)
    gates = _gates(facts, now)
    return Readiness(program_id, _state(gates, facts, now), gates, facts.last, counts, facts.key_issued_at)


async def _facts(connection: AsyncConnection, program_id: int, now: datetime) -> _Facts:
    rule = exists().where(
        CommissionRule.program_id == program_id,
        CommissionRule.effective_from <= now,
        or_(CommissionRule.effective_to.is_(None), CommissionRule.effective_to > now),
    )
    sighting = exists().where(TrackerSite.program_id == program_id, TrackerSite.domain == Program.domain)
    keys = select(func.max(ApiToken.created_at)).where(
        ApiToken.program_id == program_id, ApiToken.role.in_(("program", "tracking"))
    )
    chains = select(func.max(TestChain.created_at)).where(TestChain.program_id == program_id, passed(TestChain))
    asked = select(Program.name, Program.domain, rule, sighting, keys.scalar_subquery(), chains.scalar_subquery())
    name, domain, has_rule, has_tracker, key_at, chain_at = (
        await connection.execute(asked.where(Program.id == program_id))
    ).one()
    last = await last_events(connection, program_id)
    return _Facts(bool(name and domain), bool(has_rule), bool(has_tracker), key_at, chain_at, last)


def _gates(facts: _Facts, now: datetime) -> dict[GateName, Gate]:
    return {
        "profile": _gate("complete_program_profile", is_passed=facts.has_profile),
        "economics": _gate("set_commission_policy", is_passed=facts.has_rule),
        "payout": Gate("pass", mode="manual"),
        "tracking": _tracking(facts, now),
        "live": _gate("run_synthetic_sale_chain", is_passed=facts.is_proved),
    }


def _gate(next_action: str, *, is_passed: bool) -> Gate:
    return Gate("pass") if is_passed else Gate("fail", next_action)


def _tracking(facts: _Facts, now: datetime) -> Gate:
    if facts.last.click is not None and facts.last.click > now - CLICK_PROVES:
        return Gate("pass", detail="receiving_events")
    if facts.has_tracker:
        return Gate("pass", detail="tracker_installed")
    return Gate("fail", "install_tracker_or_send_events")


def _state(gates: Mapping[GateName, Gate], facts: _Facts, now: datetime) -> State:
    if gates["profile"].status != "pass":
        return "draft"
    needed: tuple[GateName, ...] = ("economics", "payout", "tracking")
    if any(gates[name].status != "pass" for name in needed):
        return "configuring"
    if facts.last.sale is not None and facts.last.sale > now - SALE_PROVES:
        return "live_verified"
    return "integration_verified" if facts.is_proved else "ready"
