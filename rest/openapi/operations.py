"""The operations that the OpenAPI document describes: what each endpoint takes and answers."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from msgspec import Struct

from graph.domain.leads import LeadInput
from graph.domain.refunds import RefundInput
from graph.domain.sales import SaleInput
from graph.domain.visit import Visit
from graph.http.body import BODY_BYTES
from graph.integrations.trials import TestEventInput
from rest import clicks, integrations, leads, refunds, sales
from rest.integration_responses import ChainTried, EventTried, MerchantProblem, ReadinessAnswer, StatusAnswer
from rest.responses import (
    ClickRecorded,
    ClickRefused,
    DuplicateSale,
    LeadProvisional,
    LeadRecorded,
    LeadUnattributed,
    RefundRecorded,
    RefundSkipped,
    RefundWithoutCommission,
    SaleRecorded,
    SaleUnattributed,
    TestRecorded,
)

# What every endpoint may answer, and what those that take a body may answer besides.
PROBLEMS = {
    "429": "The client has exceeded the rate limit",
    "500": "Unexpected error; the log entry has the id in `Clickgate-Fault`",
    "503": "Too many requests are waiting, or the database is unavailable",
}
BODY_PROBLEMS = {
    "413": f"The body is larger than {BODY_BYTES} bytes",
    "415": "The body's content coding is neither gzip nor deflate",
}
UNAUTHENTICATED = "The token is missing, unknown, revoked, or may not record conversions"
NOT_OF_PROGRAM = "The token is missing, unknown or revoked, or not a program's own"
BEARER = "bearerToken"


class Operation(NamedTuple):
    """An endpoint's operation: what it takes, what it answers with 200, and its own problems by status. An error's body
    is a `Problem`, unless `errors` has another type for the status."""

    id: str
    summary: str
    description: str
    body: type[Struct] | None
    success: str
    answers: Sequence[type[Struct]]
    problems: Mapping[str, str]
    security: Sequence[Mapping[str, Sequence[str]]] = ()
    errors: Mapping[str, type[Struct]] = MappingProxyType({})
    parameters: Sequence[Mapping[str, Any]] = ()

    @property
    def method(self) -> str:
        """The HTTP method, in lower case."""
        return "get" if self.body is None else "post"


OPERATIONS = {
    clicks.PATH: Operation(
        "trackClick",
        "Record a visitor's landing through a referral link",
        "The response is sent after the click has been committed. The body is parsed as JSON whatever its content "
        "type.",
        Visit,
        "The click or test event was recorded, or the link is inactive or its partner suspended",
        (ClickRecorded, TestRecorded, ClickRefused),
        {"400": "The request names no valid referral link, or a field is invalid; do not retry"},
    ),
    leads.PATH: Operation(
        "trackLead",
        "Record a visitor's sign-up",
        "Without a token, the click id of the tracker's cookie is the proof. With a token, the customer must belong to "
        "the token's program.",
        LeadInput,
        "The lead or test event was recorded, was recorded before, or came after the attribution window",
        (LeadRecorded, LeadProvisional, LeadUnattributed, TestRecorded),
        {"400": "The request names no customer, or a field is invalid; do not retry", "401": UNAUTHENTICATED},
        ({}, {BEARER: ()}),
    ),
    sales.PATH: Operation(
        "trackSale",
        "Record a sale",
        "A `transaction_id` is recorded once in a program, so a request without a response can be sent again.",
        SaleInput,
        "The sale or test event was recorded, or came after the attribution window",
        (SaleRecorded, SaleUnattributed, TestRecorded),
        {
            "400": "The request names no customer, or a field is invalid; do not retry",
            "401": UNAUTHENTICATED,
            "409": "A sale with this `transaction_id` was recorded before",
        },
        ({BEARER: ()},),
        {"409": DuplicateSale},
    ),
    refunds.PATH: Operation(
        "trackRefund",
        "Record a refund of a sale",
        "Refunds add up, and each takes its part off the sale's commission. With a `refund_id`, a request can be sent "
        "again.",
        RefundInput,
        "The refund was recorded, or nothing was left to refund",
        (RefundRecorded, RefundWithoutCommission, RefundSkipped),
        {
            "400": "A field is invalid, or the amount exceeds what is left of the sale; do not retry",
            "401": UNAUTHENTICATED,
            "404": "No sale of the program has this `transaction_id`",
        },
        ({BEARER: ()},),
    ),
    integrations.TEST_EVENT_PATH: Operation(
        "testEvent",
        "Try an integration",
        "With `type`, a click, a lead, a sale and a refund run through the code of real ones, and are undone: nothing "
        "counts them. A program can do that ten times an hour. With `event_type`, a single test event is recorded.",
        TestEventInput,
        "The chain has run, or the test event was recorded",
        (ChainTried, EventTried),
        {"400": "A field is invalid, or the program is not the token's", "401": NOT_OF_PROGRAM},
        ({BEARER: ()},),
        {"429": MerchantProblem},
    ),
    integrations.READINESS_PATH: Operation(
        "readReadiness",
        "Read how far the integration of a program has come",
        "The program is the token's. Each gate that is not passed says what to do next.",
        None,
        "The readiness of the program",
        (ReadinessAnswer,),
        {"401": NOT_OF_PROGRAM},
        ({BEARER: ()},),
        dict.fromkeys(("401", *PROBLEMS), MerchantProblem),
    ),
    integrations.STATUS_PATH: Operation(
        "readStatus",
        "Read the status of a program in short",
        "For a program's own token, or an administrator's.",
        None,
        "The status of the program",
        (StatusAnswer,),
        {
            "400": "An administrator has to name the program",
            "401": "The token is missing, unknown or revoked, or neither the program's own nor an administrator's",
            "404": "The token's holder has no program with this id",
        },
        ({BEARER: ()},),
        parameters=(
            {
                "name": "program_id",
                "in": "query",
                "required": False,
                "description": "The program's id; by default that of the token's program.",
                "schema": {"type": "integer"},
            },
        ),
    ),
}
