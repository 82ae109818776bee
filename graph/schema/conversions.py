"""The `trackLead`, `trackSale` and `trackRefund` mutations.

They call the same functions as the REST endpoints, and have the same fields and outcomes.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry
from strawberry import Info
from strawberry.utils.str_converters import to_camel_case

from db.ingest.conversions.records import LeadRecorded, RefundRecorded, SaleRecorded, Unattributed
from graph.domain.context import Context
from graph.domain.conversion_errors import DuplicateTransaction
from graph.domain.errors import ClickgateError, InvalidRequest, Unauthenticated
from graph.domain.leads import PROVISIONAL, LeadInput, track_lead
from graph.domain.money import Money
from graph.domain.refunds import RefundInput, track_refund
from graph.domain.sales import SaleInput, track_sale
from graph.domain.tracked_tests import TrackedTest
from graph.schema.conversion_inputs import sent_struct, takes_fields_of
from graph.schema.conversion_outcomes import (
    DuplicateSale,
    RefusedConversion,
    TrackedLead,
    TrackedRefund,
    TrackedRefundStatus,
    TrackedSale,
    TrackedTestConversion,
    TrackLeadResult,
    TrackRefundResult,
    TrackSaleResult,
    UnattributedConversion,
)
from graph.schema.money import MoneyType
from graph.schema.scalars import BigInt


@strawberry.input(description="A sign-up of a customer. Null and an empty string are the same as absent.")
@takes_fields_of(LeadInput)
class TrackLeadInput:
    """A field for each of `LeadInput`."""


@strawberry.input(description="A sale to a customer. Null and an empty string are the same as absent.")
@takes_fields_of(SaleInput)
class TrackSaleInput:
    """A field for each of `SaleInput`."""


@strawberry.input(
    description="A refund of a sale, or of a part of it. Null and an empty string are the same as absent."
)
@takes_fields_of(RefundInput)
class TrackRefundInput:
    """A field for each of `RefundInput`."""


async def lead(
    info: Info, input: Annotated[TrackLeadInput, strawberry.argument(description="The lead to record.")]
) -> TrackLeadResult:
    """Record a lead. Raises `Unauthenticated` for a token that may not, and `TryLater` if the same lead may be sent
    again later."""
    context: Context = info.context
    if context.viewer is None:
        context.services.charge(context.client_address)
    return await _outcome(context, "lead", lambda: track_lead(context, *sent_struct(LeadInput, input)))


async def sale(
    info: Info, input: Annotated[TrackSaleInput, strawberry.argument(description="The sale to record.")]
) -> TrackSaleResult:
    """Record a sale. Raises as `lead` does, also without a token."""
    return await _outcome(info.context, "sale", lambda: track_sale(info.context, *sent_struct(SaleInput, input)))


async def refund(
    info: Info, input: Annotated[TrackRefundInput, strawberry.argument(description="The refund to record.")]
) -> TrackRefundResult:
    """Record a refund. Raises as `sale` does."""
    return await _outcome(info.context, "refund", lambda: track_refund(info.context, *sent_struct(RefundInput, input)))


async def _outcome(context: Context, kind: str, track: Callable[[], Awaitable[Any]]) -> Any:
    """Return the outcome of a conversion, and count it. Requests without a valid token count against the rate limit."""
    services = context.services
    try:
        counted, answer = _answer(kind, await track())
    except DuplicateTransaction as refusal:
        counted = refusal.code
        answer = DuplicateSale(
            success=False,
            message=refusal.worded(to_camel_case),
            sale_id=BigInt(refusal.sale_id),
            commission_id=_big(refusal.commission_id),
        )
    except InvalidRequest as refusal:
        counted = refusal.code
        answer = RefusedConversion(success=False, message=refusal.worded(to_camel_case), code=refusal.code)
    except ClickgateError as error:
        services.count_conversion(kind, error.code)
        if isinstance(error, Unauthenticated):
            services.charge(context.client_address)
        raise
    except Exception:
        services.count_conversion(kind, "fault")
        raise
    services.count_conversion(kind, counted)
    return answer


def _answer(kind: str, tracked: object) -> tuple[str, Any]:
    """Return the name of an outcome for the metrics, and its type."""
    match tracked:
        case TrackedTest(event_id, program_id):
            return "test", TrackedTestConversion(
                success=True,
                message=f"Test {kind} event tracked successfully",
                event_id=BigInt(event_id),
                program_id=_big(program_id),
                test_mode=True,
            )
        case Unattributed(click_age_days, window_days):
            return "unattributed", UnattributedConversion(
                success=True, reason=Unattributed.reason, click_age_days=click_age_days, window_days=window_days
            )
        case LeadRecorded():
            return _lead_answer(tracked)
        case SaleRecorded(sale_id, commission_id):
            return "recorded", TrackedSale(
                success=True,
                message="Sale tracked successfully",
                sale_id=BigInt(sale_id),
                commission_id=_big(commission_id),
            )
        case RefundRecorded():
            return tracked.status, _refund_answer(tracked)
    raise TypeError(tracked)


def _lead_answer(tracked: LeadRecorded) -> tuple[str, TrackedLead]:
    counted = "provisional" if tracked.is_provisional else "replayed" if tracked.is_known else "recorded"
    return counted, TrackedLead(
        success=True,
        message=PROVISIONAL if tracked.is_provisional else "Lead tracked successfully",
        lead_id=BigInt(tracked.lead_id),
        is_provisional=tracked.is_provisional,
        is_known=tracked.is_known,
    )


def _refund_answer(tracked: RefundRecorded) -> TrackedRefund:
    amount = Money(tracked.deducted, tracked.currency)
    deduction = MoneyType(amount=BigInt(amount.amount), currency=amount.currency, formatted=amount.formatted)
    return TrackedRefund(
        success=True,
        status=TrackedRefundStatus(tracked.status),
        deduction=deduction if tracked.status in ("refunded", "reversed") else None,
        commission_id=_big(tracked.commission_id),
    )


def _big(number: int | None) -> BigInt | None:
    return None if number is None else BigInt(number)
