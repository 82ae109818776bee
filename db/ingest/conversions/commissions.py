"""Commissions: which rule counts for a conversion, what it grants, and what refunds take back. Pure functions.

Amounts are integers in minor units of their currency; each is rounded once, half up.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

# Basis points in a whole.
WHOLE = 10_000
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Rule(Struct, frozen=True, gc=False):
    """A commission rule. `partner_id` and `product_id` are None where it is for all of them."""

    id: int
    partner_id: int | None
    product_id: str | None
    basis_points: int | None
    """None for a fixed amount."""
    amount: int | None
    currency: str | None
    duration_months: int | None
    hold_days: int
    approval: str
    effective_from: datetime
    effective_to: datetime | None


class Earning(Struct, frozen=True, gc=False):
    """What a rule grants for one conversion."""

    rule_id: int
    amount: int
    currency: str
    approval: str
    hold_until: datetime


class Conversion(Struct, frozen=True, gc=False):
    """What a commission depends on. `amount` and `currency` are the sale's; a lead has none.
    `first_commission_at` is when the customer earned its first commission, None if there is none so far."""

    occurred_at: datetime
    partner_id: int
    product_id: str | None = None
    amount: int = 0
    currency: str = ""
    is_first: bool = True
    """Whether it is the first of its kind of the customer."""
    first_commission_at: datetime | None = None


def earning(rules: Iterable[Rule], conversion: Conversion) -> Earning | None:
    """Return what a conversion earns its partner by its program's rules for this kind of conversion; None for
    nothing. A more general rule does not step in where the most specific one grants nothing."""
    rule = chosen_rule(rules, conversion)
    if rule is None or not is_within_duration(rule.duration_months, conversion):
        return None
    amount = granted(rule, conversion.amount)
    if not amount:
        return None
    hold_until = conversion.occurred_at + timedelta(days=rule.hold_days)
    return Earning(rule.id, amount, rule.currency or conversion.currency, rule.approval, hold_until)


def chosen_rule(rules: Iterable[Rule], conversion: Conversion) -> Rule | None:
    """Return the most specific rule in force when the conversion happened: for the partner and the product, for the
    partner, for the product, for all; of several, the one that began last."""
    fitting = [rule for rule in rules if _fits(rule, conversion)]
    return max(fitting, key=_rank, default=None)


def _fits(rule: Rule, conversion: Conversion) -> bool:
    return (
        rule.partner_id in (None, conversion.partner_id)
        and rule.product_id in (None, conversion.product_id)
        and rule.effective_from <= conversion.occurred_at
        and (rule.effective_to is None or conversion.occurred_at < rule.effective_to)
    )


def _rank(rule: Rule) -> tuple[bool, bool, datetime, int]:
    return rule.partner_id is not None, rule.product_id is not None, rule.effective_from, rule.id


def is_within_duration(duration_months: int | None, conversion: Conversion) -> bool:
    """Return whether a rule's duration covers a conversion: None is without an end, 0 only the first one, n until n
    calendar months after the customer's first commission."""
    if duration_months is None:
        return True
    if duration_months == 0:
        return conversion.is_first
    first_at = conversion.first_commission_at
    return first_at is None or conversion.occurred_at < months_later(first_at, duration_months)


def months_later(moment: datetime, months: int) -> datetime:
    """Return the same day and time so many calendar months later, or the month's last day if it has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    if year > END_OF_TIME.year:
        return END_OF_TIME
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def granted(rule: Rule, amount: int) -> int:
    """Return what a rule grants for a sale's amount."""
    if rule.basis_points is None:
        return rule.amount or 0
    return rounded_share(amount, rule.basis_points, WHOLE)


def clawback(commission: int, sale: int, refunded: int, clawed_back: int) -> int:
    """Return what a refund takes off a commission. `refunded` is the sum of the sale's refunds with this one, and
    `clawed_back` what those before it took: the sum stays the commission's share of what is refunded, rounded once."""
    return rounded_share(commission, refunded, sale) - clawed_back


def rounded_share(amount: int, part: int, whole: int) -> int:
    """Return `amount * part / whole`, rounded half up."""
    return (2 * amount * part + whole) // (2 * whole)
