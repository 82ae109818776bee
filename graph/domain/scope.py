"""Who may see what: the single place where queries are restricted to their viewer.

Code that reads a table on behalf of a viewer takes its condition from `visible`, for the row that it starts from and
for every row that it joins. No field, cursor, count or report can bypass it. Rows out of scope are treated as if they
did not exist.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, exists, false, inspect, or_, true
from sqlalchemy.orm import DeclarativeBase

from db.lookups.tokens import TokenRole
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.commissions import Commission, CommissionRule, ConversionSum, Payout
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.rollups import ClickRollup, ConversionBooking, ConversionRollup
from db.schema.tokens import ApiToken

# The audience that a statement is compiled for. The ids are parameters, see `Viewer.values`.
Audience = Literal["admin", "program", "partner", "partner of a program", "tracking"]
Condition: TypeAlias = ColumnElement[bool]

PROGRAM = bindparam("viewer_program", type_=BigInteger)
PARTNER = bindparam("viewer_partner", type_=BigInteger)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The holder of a token, perhaps by a session. A partner token bound to a program only shows that program's data,
    so that a program cannot grant more than it has. A tracking token records conversions for its program, and sees
    nothing. `token_id` is None for the administrator token of the settings."""

    role: TokenRole
    program_id: int | None = None
    partner_id: int | None = None
    token_id: int | None = None
    session_id: int | None = field(default=None, compare=False)

    @property
    def audience(self) -> Audience:
        if self.role == "partner" and self.program_id is not None:
            return "partner of a program"
        return self.role

    @property
    def values(self) -> dict[str, int | None]:
        """The parameters of the conditions that `visible` returns."""
        return {"viewer_program": self.program_id, "viewer_partner": self.partner_id}


def partners_in_scope(viewer: Viewer, partner_ids: Collection[int] | None) -> frozenset[int] | None:
    """Return which partners' rows a viewer may see, of some partners or of all (None), in programs that are in scope:
    for rows that are not read by SQL. None stands for every partner."""
    wanted = None if partner_ids is None else frozenset(partner_ids)
    if viewer.audience not in PARTNERS:
        return wanted
    own = frozenset(() if viewer.partner_id is None else (viewer.partner_id,))
    return own if wanted is None else wanted & own


class Rule(NamedTuple):
    """The conditions under which a row belongs to the viewer's program, and to the viewer's partner."""

    program: Callable[[Any], Condition]
    partner: Callable[[Any], Condition]


def _member(program_id: Any, partner_id: Any) -> Condition:
    return exists().where(PartnerProgram.program_id == program_id, PartnerProgram.partner_id == partner_id)


OWN = Rule(lambda row: row.program_id == PROGRAM, lambda row: row.partner_id == PARTNER)
RULES: dict[type[DeclarativeBase], Rule] = {
    Program: Rule(lambda row: row.id == PROGRAM, lambda row: _member(row.id, PARTNER)),
    Partner: Rule(lambda row: _member(PROGRAM, row.id), lambda row: row.id == PARTNER),
    PartnerProgram: OWN,
    ReferralLink: OWN,
    # Belongs to the partner of the latest click, or to the one that a lead or a sale has bound. Earlier partners keep
    # their events, but not the customer.
    Customer: OWN,
    ClickEvent: OWN,
    ClickRollup: OWN,
    ConversionRollup: OWN,
    ConversionBooking: OWN,
    # Provisional leads have no partner yet, so only the program sees them.
    LeadEvent: OWN,
    Sale: OWN,
    Refund: OWN,
    Commission: OWN,
    # A rule without a partner applies to all of the program's.
    CommissionRule: Rule(
        lambda row: row.program_id == PROGRAM,
        lambda row: or_(row.partner_id == PARTNER, and_(row.partner_id.is_(None), _member(row.program_id, PARTNER))),
    ),
    Payout: OWN,
    ConversionSum: OWN,
    # Advertisers test before they have partners.
    ClickTestEvent: Rule(lambda row: row.program_id == PROGRAM, lambda row: false()),
    # Tracking tokens, and partner tokens limited to the program; not those that an administrator issued for the same
    # partners.
    ApiToken: Rule(
        lambda row: and_(row.program_id == PROGRAM, or_(row.role == "partner", row.role == "tracking")),
        lambda row: false(),
    ),
}

PARTNERS: frozenset[Audience] = frozenset({"partner", "partner of a program"})
# Fields that are null to an audience on rows that it may see: programs know their partners by name only, and partners
# learn nothing of who a customer is or what the merchant's server sent along.
WITHHELD: dict[tuple[type[DeclarativeBase], str], frozenset[Audience]] = {
    (Partner, "email"): frozenset({"program"}),
    (Customer, "customer_key"): PARTNERS,
    (Customer, "email_mask"): PARTNERS,
    (LeadEvent, "additional_data"): PARTNERS,
    (Sale, "line_items"): PARTNERS,
    (Sale, "additional_data"): PARTNERS,
    (Refund, "reason"): PARTNERS,
}


def visible(row: Any, audience: Audience) -> Condition:
    """Return the condition under which a row is in scope; `row` is a mapped class or an alias of one. Raises `KeyError`
    for a class without a rule."""
    rule = RULES[inspect(row).mapper.class_]
    match audience:
        case "admin":
            return true()
        case "program":
            return rule.program(row)
        case "partner":
            return rule.partner(row)
        case "partner of a program":
            return and_(rule.program(row), rule.partner(row))
        case "tracking":
            return false()


def withheld(row: Any, field: str, audience: Audience) -> bool:
    """Return whether a field is null to an audience, on every row."""
    return audience in WITHHELD.get((inspect(row).mapper.class_, field), ())
