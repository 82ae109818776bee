"""Creates and ends commission rules.

Rules are versioned: a change is a new rule, which ends the former one. What is recorded keeps the rule that it was made
by.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, case, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.columns import UtcDateTime
from db.schema.commissions import CommissionRule
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from graph.domain.context import Context
from graph.domain.conversion_errors import UnknownRule
from graph.domain.conversion_fields import KEY_LENGTH, key_field
from graph.domain.currencies import LARGEST_AMOUNT, currency_field
from graph.domain.errors import FieldInvalid, UnknownProgram, outages
from graph.domain.permissions import check_manager, check_manager_of
from graph.domain.scope import visible

MOST_BASIS_POINTS = 10_000
MOST_HOLD_DAYS = 365
# A century: longer than any customer pays.
MOST_MONTHS = 1200


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule to be created. `basis_points` is for percentages; `amount`, in minor units, and `currency` are for fixed
    commissions. Without a partner or a product it is for all of them, without `effective_from` from now on."""

    program_id: int
    event: Literal["sale", "lead"]
    kind: Literal["percent", "fixed"]
    basis_points: int | None = None
    amount: int | None = None
    currency: str | None = None
    partner_id: int | None = None
    product_id: str | None = None
    duration_months: int | None = None
    hold_days: int = 15
    approval: Literal["auto", "manual"] = "auto"
    effective_from: datetime | None = None


async def create(context: Context, new: NewRule) -> dict[str, Any]:
    """Create a rule and return its row. The rules for the same program, partner, product and event follow each other:
    it ends the one that is in force when it begins, and ends itself when the next one begins, whether that lies in the
    future or in the past. Raises `FieldInvalid`, `UnknownProgram`, `Forbidden`, `DatabaseAway`."""
    check_manager_of(context, new.program_id)
    values = _checked(new)
    with outages():
        async with context.services.store.write() as connection:
            await _lock_program(connection, new)
            # Read behind the lock, so that of two rules from now on the one that waited begins later.
            begins = context.services.clock() if new.effective_from is None else new.effective_from.astimezone(UTC)
            times = {"effective_from": begins, "effective_to": await _next_beginning(connection, new, begins)}
            await _end_former(connection, new, begins)
            made = insert(CommissionRule).values(**values, **times).returning(CommissionRule.id)
            return await _row(connection, (await connection.execute(made)).scalar_one())


async def end(context: Context, rule_id: int, effective_to: datetime | None = None) -> dict[str, Any]:
    """End a rule at a time, by default now, and return its row. A rule that has not begun by then never will, and one
    that has ended by then is left as it is. Raises `UnknownRule`, also for a rule out of scope, `Forbidden`,
    `DatabaseAway`."""
    viewer = check_manager(context)
    moment = effective_to or context.services.clock()
    this = (CommissionRule.id == rule_id, visible(CommissionRule, viewer.audience))
    has_not_ended = or_(CommissionRule.effective_to.is_(None), CommissionRule.effective_to > moment)
    with outages():
        async with context.services.store.write() as connection:
            if await connection.scalar(select(CommissionRule.id).where(*this), viewer.values) is None:
                raise UnknownRule
            ended = update(CommissionRule).where(CommissionRule.id == rule_id, has_not_ended)
            await connection.execute(ended.values(effective_to=_not_before_beginning(moment)))
            return await _row(connection, rule_id)


def _checked(new: NewRule) -> dict[str, Any]:
    if new.event == "lead" and new.kind != "fixed":
        raise FieldInvalid("kind", "must be FIXED for leads")
    for field, kind in (("basis_points", "percent"), ("amount", "fixed"), ("currency", "fixed")):
        if (getattr(new, field) is None) is (new.kind == kind):
            problem = "is required" if new.kind == kind else "must be omitted"
            raise FieldInvalid(field, f"{problem} for {new.kind.upper()} rules")
    _check_range("basis_points", new.basis_points, MOST_BASIS_POINTS)
    _check_range("amount", new.amount, LARGEST_AMOUNT)
    _check_range("duration_months", new.duration_months, MOST_MONTHS)
    _check_range("hold_days", new.hold_days, MOST_HOLD_DAYS)
    return {
        "program_id": new.program_id,
        "partner_id": new.partner_id,
        "product_id": _product(new.product_id),
        "event": new.event,
        "kind": new.kind,
        "basis_points": new.basis_points,
        "amount": new.amount,
        "currency": None if new.currency is None else currency_field("currency", new.currency),
        "duration_months": new.duration_months,
        "hold_days": new.hold_days,
        "approval": new.approval,
    }


def _product(product_id: str | None) -> str | None:
    """Return the product that a rule is for. An empty one is refused: the rule would be for all products instead."""
    if product_id == "":
        raise FieldInvalid("product_id", f"must have 1 to {KEY_LENGTH} characters")
    return key_field("product_id", product_id)


def _check_range(field: str, value: int | None, most: int) -> None:
    if value is not None and not 0 <= value <= most:
        raise FieldInvalid(field, f"must be between 0 and {most}")


async def _lock_program(connection: AsyncConnection, new: NewRule) -> None:
    """Serialize the changes of one program's rules, without blocking rows that refer to the program."""
    program = select(Program.id).where(Program.id == new.program_id).with_for_update(key_share=True)
    if await connection.scalar(program) is None:
        raise UnknownProgram
    member = select(PartnerProgram.partner_id).where(
        PartnerProgram.program_id == new.program_id, PartnerProgram.partner_id == new.partner_id
    )
    if new.partner_id is not None and await connection.scalar(member) is None:
        raise FieldInvalid("partner_id", "must be a partner in this program")


def _is_same(new: NewRule) -> ColumnElement[bool]:
    """Return whether a rule is for the same sales or leads."""
    return and_(
        CommissionRule.program_id == new.program_id,
        CommissionRule.event == new.event,
        CommissionRule.partner_id.is_not_distinct_from(new.partner_id),
        CommissionRule.product_id.is_not_distinct_from(new.product_id),
    )


async def _next_beginning(connection: AsyncConnection, new: NewRule, begins: datetime) -> datetime | None:
    """Return when the first rule after a moment begins, if any."""
    later = select(func.min(CommissionRule.effective_from)).where(
        _is_same(new), CommissionRule.effective_from > begins, _is_ever_in_force()
    )
    found: datetime | None = await connection.scalar(later)
    return found


async def _end_former(connection: AsyncConnection, new: NewRule, begins: datetime) -> None:
    """End the rule that is in force at a moment. One that begins at that very moment never will be in force."""
    lasting = or_(CommissionRule.effective_to.is_(None), CommissionRule.effective_to > begins)
    former = (_is_same(new), CommissionRule.effective_from <= begins, lasting)
    await connection.execute(update(CommissionRule).where(*former).values(effective_to=begins))


def _is_ever_in_force() -> ColumnElement[bool]:
    return or_(CommissionRule.effective_to.is_(None), CommissionRule.effective_to > CommissionRule.effective_from)


def _not_before_beginning(moment: datetime) -> ColumnElement[datetime]:
    ends = literal(moment, UtcDateTime)
    return case((CommissionRule.effective_from > ends, CommissionRule.effective_from), else_=ends)


async def _row(connection: AsyncConnection, rule_id: int) -> dict[str, Any]:
    found = await connection.execute(select(CommissionRule.__table__).where(CommissionRule.id == rule_id))
    return found.one()._asdict()
