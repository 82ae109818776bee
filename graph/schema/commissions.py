"""The mutations that approve and reject commissions and record payouts, with their inputs and payloads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from graph.domain import commissions, payouts
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.domain.payouts import NewPayout
from graph.query.global_ids import RowRef, decode_key
from graph.schema.changes import Payload, input_values
from graph.schema.conversion_types import CommissionType, PayoutType
from graph.schema.fields import optional, value
from graph.schema.resolvers import RowList


@strawberry.input(description="The input of `approveCommissions`. Either all of the commissions are approved or none.")
class ApproveCommissionsInput:
    ids: list[ID] = value("The commissions to approve: 1 to 100, all of one program.")


@strawberry.input(description="The input of `rejectCommissions`. Either all of the commissions are rejected or none.")
class RejectCommissionsInput:
    ids: list[ID] = value("The commissions to reject: 1 to 100, all of one program.")
    reason: str = value(
        "Why they are rejected, for the partners to read: 1 to 255 characters, without control characters."
    )


@strawberry.type(description="The result of `approveCommissions` and `rejectCommissions`.")
class CommissionsPayload(Payload):
    commissions: list[CommissionType] | None = value(
        "The commissions as they are now, in the order of the ids. Null if there are user errors."
    )


@strawberry.input(description="The input of `rejectCommission`.")
class RejectCommissionInput:
    id: ID = value("The commission to reject.")
    reason: str = value("Why it is rejected, for the partner to read: 1 to 255 characters, without control characters.")


@strawberry.type(description="The result of `rejectCommission`.")
class CommissionPayload(Payload):
    commission: CommissionType | None = value("The rejected commission. Null if there are user errors.")


@strawberry.input(description="The input of `recordPayout`.")
class RecordPayoutInput:
    program_id: ID = value("The program that pays.")
    partner_id: ID = value("The partner who is paid.")
    currency: str = value("The currency to pay, as an ISO 4217 code in any case.")
    up_to: datetime | None = optional(
        "Only commissions that were approved, and refunds that were recorded, up to this time. Now if it is in the "
        "future, omitted or null."
    )
    note: str | None = optional("A note on the payment: 1 to 255 characters, without control characters.")


@strawberry.type(description="The result of `recordPayout`.")
class PayoutPayload(Payload):
    payout: PayoutType | None = value("The payout. Null if there are user errors.")


async def approve_commissions(context: Context, input: ApproveCommissionsInput) -> Mapping[str, Any]:
    program_id, ids = _commissions(input.ids)
    await commissions.approve(context, program_id, ids)
    return {"commissions": _listed(program_id, ids)}


async def reject_commissions(context: Context, input: RejectCommissionsInput) -> Mapping[str, Any]:
    program_id, ids = _commissions(input.ids)
    await commissions.reject(context, program_id, ids, input.reason)
    return {"commissions": _listed(program_id, ids)}


async def reject_commission(context: Context, input: RejectCommissionInput) -> Mapping[str, Any]:
    program_id, id = decode_key(input.id, "Commission", "id")
    await commissions.reject(context, program_id, [id], input.reason)
    return {"commission": RowRef("Commission", (program_id, id))}


async def record_payout(context: Context, input: RecordPayoutInput) -> Mapping[str, Any]:
    row = await payouts.record(context, NewPayout(**input_values(input)))
    return {"payout": RowRef("Payout", (row["id"],))}


def _commissions(global_ids: Sequence[ID]) -> tuple[int, list[int]]:
    """Return the program of commissions, and their ids. Raises `FieldInvalid` if they are of several programs."""
    # The first of too many is enough to refuse them.
    keys = [decode_key(id, "Commission", "ids") for id in global_ids[: commissions.MOST_AT_ONCE + 1]]
    programs = {program_id for program_id, _ in keys} or {0}
    if len(programs) > 1:
        raise FieldInvalid("ids", "must be commissions of one program")
    return programs.pop(), [id for _, id in keys]


def _listed(program_id: int, ids: Sequence[int]) -> RowList:
    keys = [(program_id, id) for id in dict.fromkeys(ids)]
    return RowList("Commission", "ids", {"program_id": program_id, "ids": ids}, keys)
