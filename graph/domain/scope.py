"""Who may see what: the one place where a query is confined to its viewer.

Whatever reads a table for somebody asks `visible` for its condition, for the row it starts from and for every row that
it joins; so no field, cursor, count or report can reach around it. What is out of scope looks as if it were not there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, exists, false, inspect, true
from sqlalchemy.orm import DeclarativeBase

from db.lookups.tokens import TokenRole
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.rollups import ClickRollup
from db.schema.tokens import ApiToken

# Whose eyes a statement is compiled for; the ids are given when it runs, see `Viewer.values`.
Eyes = Literal["admin", "program", "partner", "partner of a program"]
Condition: TypeAlias = ColumnElement[bool]

PROGRAM = bindparam("viewer_program", type_=BigInteger)
PARTNER = bindparam("viewer_partner", type_=BigInteger)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, as told by a token. A partner's token that a program issued shows that program's part only, so that
    nobody can grant more than they have. `token_id` is None for the administrator's token of the settings."""

    role: TokenRole
    program_id: int | None = None
    partner_id: int | None = None
    token_id: int | None = None

    @property
    def eyes(self) -> Eyes:
        if self.role == "partner" and self.program_id is not None:
            return "partner of a program"
        return self.role

    @property
    def values(self) -> dict[str, int | None]:
        """The values of the parameters in the conditions that `visible` returns."""
        return {"viewer_program": self.program_id, "viewer_partner": self.partner_id}


class Rule(NamedTuple):
    """When a row belongs to the viewer's program, and when to the viewer's partner."""

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
    # Of the partner who brought the latest click: the earlier ones keep their events, not the customer.
    Customer: OWN,
    ClickEvent: OWN,
    ClickRollup: OWN,
    # An advertiser tests before having partners.
    ClickTestEvent: Rule(lambda row: row.program_id == PROGRAM, lambda row: false()),
    # Those that were issued in the program's name; not what an administrator gave to its partners.
    ApiToken: Rule(lambda row: and_(row.program_id == PROGRAM, row.role == "partner"), lambda row: false()),
}

# Fields that are null to a role, on rows which it may see otherwise: a program knows its partners by name.
WITHHELD: dict[tuple[type[DeclarativeBase], str], frozenset[Eyes]] = {(Partner, "email"): frozenset({"program"})}


def visible(row: Any, eyes: Eyes) -> Condition:
    """Return the condition under which a row, of a mapped class or an alias of one, is in scope. Raises `KeyError` for
    a class that nobody decided about."""
    rule = RULES[inspect(row).mapper.class_]
    match eyes:
        case "admin":
            return true()
        case "program":
            return rule.program(row)
        case "partner":
            return rule.partner(row)
        case "partner of a program":
            return and_(rule.program(row), rule.partner(row))


def withheld(row: Any, field: str, eyes: Eyes) -> bool:
    """Return whether a field is null to a viewer, on every row."""
    return eyes in WITHHELD.get((inspect(row).mapper.class_, field), ())
