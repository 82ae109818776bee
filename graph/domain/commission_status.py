"""The status of a commission at a moment, as SQL.

A commission's hold ends without anything being written, so its status is computed wherever it is read, filtered by or
paid out. `payout_id` decides what is paid; whatever a refund writes beside a payout cannot change that.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, or_

from db.schema.columns import UtcDateTime

# The moment of a read. Every statement of the read engine may use it.
NOW = bindparam("now", type_=UtcDateTime)


def is_hold_over(commission: Any, moment: Any) -> ColumnElement[bool]:
    """Return whether a commission is approved by itself at a moment: it is pending, its rule approves automatically,
    and its hold is over."""
    return and_(commission.status == "pending", commission.approval == "auto", commission.hold_until <= moment)


def status_at(commission: Any, moment: Any) -> ColumnElement[str]:
    """Return the status at a moment, which must not be before the latest change."""
    return case(
        (commission.payout_id.is_not(None), "paid"),
        (is_hold_over(commission, moment), "approved"),
        else_=commission.status,
    )


def is_payable(commission: Any, moment: Any) -> ColumnElement[bool]:
    """Return whether a commission was approved by a moment, and is not paid."""
    by_hand = and_(commission.status == "approved", commission.approved_at <= moment)
    return and_(commission.payout_id.is_(None), or_(by_hand, is_hold_over(commission, moment)))
