"""The tracking endpoints' response bodies. The OpenAPI document is generated from these types."""

from typing import Annotated

from msgspec import Meta, Raw, Struct

from db.ingest.conversions.records import Unattributed

TRUE = Meta(extra_json_schema={"const": True})
FALSE = Meta(extra_json_schema={"const": False})
EXPIRED = Meta(extra_json_schema={"const": Unattributed.reason})
CLICK_AGE = Meta(description="The age of the click that the customer came by, in days.")
WINDOW = Meta(description="The program's attribution window, in days.")


class ClickRecorded(Struct, frozen=True, gc=False):
    """The click was recorded. Store `click_id` in a first-party cookie for `cookie_window_days` days."""

    success: Annotated[bool, TRUE]
    click_id: Annotated[
        str,
        Meta(
            description="The customer's click id; pass it to lead and sale calls.",
            extra_json_schema={"examples": ["cust_42_1715000000000"]},
        ),
    ]
    partner_code: Annotated[str, Meta(description="The referral link's code.")]
    cookie_window_days: Annotated[int, Meta(description="The program's attribution window, in days.")]


class TestEvent(Struct, frozen=True, gc=False, rename={"event_id": "eventId", "program_id": "programId"}):
    """A recorded test event."""

    event_id: Annotated[int, Meta(description="The test event's id.")]
    program_id: Annotated[int | None, Meta(description="The id of the program in the request, if any.")]
    test_mode: Annotated[bool, TRUE]


class TestRecorded(Struct, frozen=True, gc=False):
    """The test event was recorded. Test events are not counted anywhere."""

    success: Annotated[bool, TRUE]
    message: str
    data: TestEvent


class ClickRefused(Struct, frozen=True, gc=False):
    """The link is inactive. Nothing was recorded."""

    success: Annotated[bool, FALSE]
    message: str


class LeadRecorded(Struct, frozen=True, gc=False):
    """The lead was recorded, or was recorded before with the same `event_name`."""

    success: Annotated[bool, TRUE]
    message: str


class LeadProvisional(Struct, frozen=True, gc=False):
    """The program takes leads from its own server only. This one counts nowhere until a lead with the program's token,
    or a sale of the customer, confirms it."""

    success: Annotated[bool, TRUE]
    provisional: Annotated[bool, TRUE]
    message: str


class LeadUnattributed(Struct, frozen=True, gc=False):
    """The attribution window had passed. Nothing was recorded."""

    success: Annotated[bool, TRUE]
    attributed: Annotated[bool, FALSE]
    reason: Annotated[str, EXPIRED]
    click_age_days: Annotated[int, CLICK_AGE]
    window_days: Annotated[int, WINDOW]


class SaleRecorded(Struct, frozen=True, gc=False):
    """The sale was recorded."""

    success: Annotated[bool, TRUE]
    sale_id: Annotated[int, Meta(description="The sale's id.")]
    commission_id: Annotated[int | None, Meta(description="The commission's id; null if no rule grants one.")]
    message: str


class SaleUnattributed(Struct, frozen=True, gc=False):
    """The attribution window had passed. Nothing was recorded."""

    success: Annotated[bool, TRUE]
    attributed: Annotated[bool, FALSE]
    reason: Annotated[str, EXPIRED]
    click_age_days: Annotated[int, CLICK_AGE]
    window_days: Annotated[int, WINDOW]
    sale_id: None = None
    commission_id: None = None


class DuplicateSale(Struct, frozen=True, gc=False):
    """A sale with this `transaction_id` was recorded before. Nothing was recorded now."""

    error: Annotated[str, Meta(description="A message for people.")]
    code: Annotated[str, Meta(extra_json_schema={"const": "duplicate_transaction"})]
    sale_id: Annotated[int, Meta(description="The id of the recorded sale.")]
    commission_id: Annotated[int | None, Meta(description="The id of its commission, if it earned one.")]


class RefundRecorded(Struct, frozen=True, gc=False, rename={"deduction_amount": "deductionAmount"}):
    """The refund was recorded: `reversed` if nothing is left of the sale, else `refunded`."""

    success: Annotated[bool, TRUE]
    status: Annotated[str, Meta(extra_json_schema={"enum": ["reversed", "refunded"]})]
    deduction_amount: Annotated[
        Raw,
        Meta(
            description="What this refund took off the commission, in major units of its currency.",
            extra_json_schema={"type": "number", "examples": [25.0]},
        ),
    ]
    commission_id: Annotated[int | None, Meta(description="The commission's id.")]


class RefundSkipped(Struct, frozen=True, gc=False):
    """Nothing was left to refund. Nothing was recorded."""

    success: Annotated[bool, TRUE]
    status: Annotated[str, Meta(extra_json_schema={"const": "skipped"})]
    reason: Annotated[str, Meta(extra_json_schema={"const": "already reversed"})]


class RefundWithoutCommission(Struct, frozen=True, gc=False):
    """The refund was recorded. The sale had earned no commission."""

    success: Annotated[bool, TRUE]
    status: Annotated[str, Meta(extra_json_schema={"const": "no_commission"})]
    message: str


class Problem(Struct, frozen=True, gc=False):
    """An error. Nothing was recorded, as far as the gateway knows."""

    error: Annotated[str, Meta(description="A message for people.")]
    code: Annotated[str, Meta(description="A stable name of the error, for programs.")]
