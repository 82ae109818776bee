"""Records sales, for REST, GraphQL and any other API."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from db.ingest.conversions.records import NewSale, Refusal, SaleDuplicate, SaleRecorded, Unattributed
from graph.domain.context import Context
from graph.domain.conversion_errors import AmountInvalid, DuplicateTransaction, TransactionIdMissing, UnknownCustomer
from graph.domain.conversion_fields import (
    LINE_ITEMS_BYTES,
    array_field,
    check_readable,
    choice_field,
    click_ids,
    is_key,
    key_field,
    time_field,
)
from graph.domain.currencies import LARGEST_AMOUNT, currency_field
from graph.domain.enrichment import json_text
from graph.domain.errors import FieldInvalid, outages
from graph.domain.permissions import check_recorder
from graph.domain.tracked_tests import TrackedTest, is_test, record_test

NOT_RECORDED = "Sales cannot be recorded right now"
NO_CUSTOMER = "Customer not found. Provide customer_key or click_id."
SALE_TYPES = ("payment", "subscription")
INTERVALS = ("monthly", "quarterly", "annual")


def _one_of(*choices: str) -> dict[str, Any]:
    return {"examples": [choices[0]], "enum": [*choices, None]}


class SaleInput(Struct, frozen=True):
    """A sale, as it is sent. `null` and an empty string are the same as absent; unknown fields are ignored."""

    transaction_id: Annotated[
        str | None,
        Meta(
            description="Your identifier of the payment, of 1 to 255 characters. It is recorded once in a program. "
            "Required outside test mode.",
            extra_json_schema={"examples": ["txn_1001"]},
        ),
    ] = None
    amount_cents: Annotated[
        int | None,
        Meta(
            description="The amount in minor units of the currency: 4999 is 49.99 USD, and 4999 JPY. A positive "
            f"integer of at most {LARGEST_AMOUNT}. Required outside test mode.",
            extra_json_schema={"examples": [4999]},
        ),
    ] = None
    currency: Annotated[
        str | None,
        Meta(
            description="ISO 4217 code, in any case; by default the program's.", extra_json_schema={"examples": ["USD"]}
        ),
    ] = None
    customer_key: Annotated[
        str | None,
        Meta(
            description="Your id of the user, as sent with the lead. It is looked up before `click_id`; a new one is "
            "given to the customer that `click_id` names.",
            extra_json_schema={"examples": ["user_1001"]},
        ),
    ] = None
    click_id: Annotated[
        str | None,
        Meta(
            description="The click id from the tracker's cookie.",
            extra_json_schema={"examples": ["cust_42_1715000000000"]},
        ),
    ] = None
    sale_type: Annotated[
        str | None,
        Meta(
            description=f"`payment` or `subscription`; by default `{SALE_TYPES[0]}`.",
            extra_json_schema=_one_of(*SALE_TYPES),
        ),
    ] = None
    is_recurring: Annotated[
        bool | None, Meta(description="Whether the sale renews a subscription; by default false.")
    ] = None
    subscription_id: Annotated[
        str | None, Meta(description="Identifier of the subscription, of at most 255 characters.")
    ] = None
    product_id: Annotated[
        str | None,
        Meta(description="Identifier of the product, of at most 255 characters. Commission rules can name it."),
    ] = None
    subscription_interval: Annotated[
        str | None,
        Meta(description="`monthly`, `quarterly` or `annual`.", extra_json_schema=_one_of(*INTERVALS)),
    ] = None
    line_items: Annotated[
        list[Any] | None,
        Meta(description=f"What was bought, an array of at most {LINE_ITEMS_BYTES} bytes of JSON; kept as sent."),
    ] = None
    occurred_at: Annotated[
        str | None,
        Meta(
            description="When the sale happened, as an RFC 3339 time with an offset, if it was not just now. Not "
            "before the click that it is attributed to.",
            extra_json_schema={"examples": ["2026-05-01T12:00:00Z"]},
        ),
    ] = None
    additional_data: Annotated[
        dict[str, Any] | None,
        Meta(
            description='Any other data to store, an object. With `{"test_mode": true}`, a test event is recorded.',
            extra_json_schema={"examples": [{"coupon": "SPRING"}]},
        ),
    ] = None


async def track_sale(
    context: Context, sale: SaleInput, unreadable: Sequence[str] = ()
) -> SaleRecorded | Unattributed | TrackedTest:
    """Record a sale, or a test event. Returns once it is committed.

    `unreadable` names the fields with a wrong type, in order; they are absent from the sale, and reported in their
    turn. Raises, in this order: `Unauthenticated`, `TransactionIdMissing`, `AmountInvalid`, `FieldInvalid`,
    `DuplicateTransaction`, `UnknownCustomer`, `FieldInvalid` for a sale from before its click, `TryLater`.
    """
    program_id = check_recorder(context)
    with outages(NOT_RECORDED):
        if is_test(sale.additional_data):
            return await record_test(context, "sale", sale, program_id)
        outcome = await context.services.writer.record(_record(context, sale, unreadable, program_id))
    match outcome:
        case SaleDuplicate():
            raise DuplicateTransaction(outcome.sale_id, outcome.commission_id)
        case Refusal.BEFORE_CLICK:
            raise FieldInvalid("occurred_at", "must not be before the click that the sale is attributed to")
        case Refusal():
            raise UnknownCustomer(NO_CUSTOMER)
    return outcome


def _record(context: Context, sale: SaleInput, unreadable: Sequence[str], program_id: int) -> NewSale:
    transaction_id, amount = sale.transaction_id, sale.amount_cents
    if transaction_id is None or not is_key(transaction_id):
        raise TransactionIdMissing
    if type(amount) is not int or not 0 < amount <= LARGEST_AMOUNT:
        raise AmountInvalid
    check_readable(unreadable)
    now = context.services.clock()
    more = {key: value for key, value in (sale.additional_data or {}).items() if key != "test_mode"}
    return NewSale(
        received_at=now,
        program_id=program_id,
        transaction_id=transaction_id,
        amount=amount,
        currency=currency_field("currency", sale.currency) if sale.currency else None,
        customer_key=key_field("customer_key", sale.customer_key),
        click_id=next(iter(click_ids([sale.click_id])), None),
        sale_type=choice_field("sale_type", sale.sale_type, SALE_TYPES) or SALE_TYPES[0],
        is_recurring=sale.is_recurring is True,
        subscription_id=key_field("subscription_id", sale.subscription_id),
        subscription_interval=choice_field("subscription_interval", sale.subscription_interval, INTERVALS),
        product_id=key_field("product_id", sale.product_id),
        line_items=array_field("line_items", sale.line_items),
        additional_data=json_text("additional_data", more) if more else None,
        occurred_at=time_field("occurred_at", sale.occurred_at, now),
    )
