"""Records refunds of sales, for REST, GraphQL and any other API."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from db.ingest.conversions.records import NewRefund, RefundRecorded, Refusal
from graph.domain.context import Context
from graph.domain.conversion_errors import TransactionIdMissing, UnknownSale
from graph.domain.conversion_fields import check_readable, is_key, key_field
from graph.domain.currencies import LARGEST_AMOUNT
from graph.domain.errors import FieldInvalid, outages
from graph.domain.permissions import check_recorder

NOT_RECORDED = "Refunds cannot be recorded right now"
NO_TRANSACTION = "transaction_id is required"


class RefundInput(Struct, frozen=True):
    """A refund, as it is sent. `null` and an empty string are the same as absent; unknown fields are ignored."""

    transaction_id: Annotated[
        str | None,
        Meta(description="The `transaction_id` of the sale. Required.", extra_json_schema={"examples": ["txn_1001"]}),
    ] = None
    refund_amount_cents: Annotated[
        int | None,
        Meta(
            description="The amount to refund, in minor units of the sale's currency. All that is left of the sale if "
            "it is absent or 0.",
            extra_json_schema={"examples": [1000]},
        ),
    ] = None
    refund_reason: Annotated[str | None, Meta(description="Why the sale is refunded.")] = None
    refund_id: Annotated[
        str | None,
        Meta(
            description="Your own identifier of the refund, of 1 to 255 characters. A refund that is sent again with "
            "the same identifier is recorded once, and answered as the first time.",
            extra_json_schema={"examples": ["refund_1001"]},
        ),
    ] = None


async def track_refund(context: Context, refund: RefundInput, unreadable: Sequence[str] = ()) -> RefundRecorded:
    """Refund a sale, in full or in part. Returns once the refund is committed.

    `unreadable` names the fields with a wrong type, in order; they are absent from the refund, and reported in their
    turn. Raises, in this order: `Unauthenticated`, `TransactionIdMissing`, `FieldInvalid`, `UnknownSale`,
    `FieldInvalid` for an amount that exceeds what is left of the sale, `TryLater`.
    """
    program_id = check_recorder(context)
    record = _record(context, refund, unreadable, program_id)
    with outages(NOT_RECORDED):
        outcome = await context.services.writer.record(record)
    match outcome:
        case Refusal.TOO_MUCH:
            raise FieldInvalid("refund_amount_cents", "exceeds what is left of the sale")
        case Refusal():
            raise UnknownSale
    return outcome


def _record(context: Context, refund: RefundInput, unreadable: Sequence[str], program_id: int) -> NewRefund:
    if not refund.transaction_id:
        raise TransactionIdMissing(NO_TRANSACTION)
    check_readable(unreadable)
    amount, reason = refund.refund_amount_cents or None, refund.refund_reason or None
    if amount is not None and amount < 0:
        raise FieldInvalid("refund_amount_cents", "must not be negative")
    refund_id = key_field("refund_id", refund.refund_id)
    if not is_key(refund.transaction_id):
        raise UnknownSale
    return NewRefund(
        received_at=context.services.clock(),
        program_id=program_id,
        transaction_id=refund.transaction_id,
        # More than any sale has, and still a number that the database can compare.
        amount=None if amount is None else min(amount, LARGEST_AMOUNT + 1),
        reason=None if reason is None else reason.replace("\0", ""),
        refund_id=refund_id,
    )
