"""The OpenAPI 3.1 document, generated from the types that the tracking endpoints decode and encode."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.json import schema_components
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.responses import Response as HTTPResponse

from graph.domain.leads import LeadInput
from graph.domain.refunds import RefundInput
from graph.domain.sales import SaleInput
from graph.domain.visit import Visit
from graph.http.body import BODY_BYTES
from rest import clicks, leads, refunds, sales
from rest.responses import (
    ClickRecorded,
    ClickRefused,
    DuplicateSale,
    LeadProvisional,
    LeadRecorded,
    LeadUnattributed,
    Problem,
    RefundRecorded,
    RefundSkipped,
    RefundWithoutCommission,
    SaleRecorded,
    SaleUnattributed,
    TestRecorded,
)

PROBLEMS = {
    "413": f"The body is larger than {BODY_BYTES} bytes",
    "415": "The body's content coding is neither gzip nor deflate",
    "429": "The client has exceeded the rate limit",
    "500": "Unexpected error; the log entry has the id in `Clickgate-Fault`",
    "503": "Too many requests are waiting, or the database is unavailable",
}
UNAUTHENTICATED = "The token is missing, unknown, revoked, or may not record conversions"
RETRY_AFTER = {"description": "Seconds to wait before a retry", "schema": {"type": "integer"}}
BEARER = "bearerToken"


class Operation(NamedTuple):
    """An endpoint's operation: what it takes, what it answers with 200, and its own problems by status."""

    id: str
    summary: str
    description: str
    body: type[Struct]
    success: str
    answers: Sequence[type[Struct]]
    problems: Mapping[str, str]
    security: Sequence[Mapping[str, Sequence[str]]] = ()
    conflict: type[Struct] | None = None


OPERATIONS = {
    clicks.PATH: Operation(
        "trackClick",
        "Record a visitor's landing through a referral link",
        "The response is sent after the click has been committed. The body is parsed as JSON whatever its content "
        "type.",
        Visit,
        "The click or test event was recorded, or the link is inactive",
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
        {"400": "The request names no customer, or a field is invalid; do not retry", "401": UNAUTHENTICATED},
        ({BEARER: ()},),
        DuplicateSale,
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
}


class OpenAPIEndpoint:
    """Serves the document."""

    def __init__(self, root_path: str = "") -> None:
        self._root_path = root_path

    async def answer(self, _request: Request) -> HTTPResponse:
        """Answer with the document."""
        return JSONResponse(document(self._root_path), headers={"Access-Control-Allow-Origin": "*"})


@cache
def document(root_path: str = "") -> dict[str, Any]:
    """Return the document, with the root path as its server URL."""
    types = list(dict.fromkeys(type_ for operation in OPERATIONS.values() for type_ in _types(operation)))
    references, schemas = schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, references, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "clickgate",
            "version": version("clickgate"),
            "description": "Records affiliate clicks, and the leads, sales and refunds that follow them. Clicks need "
            "no token: a referral link is the only credential. Sales and refunds need a token of their program.",
        },
        "servers": [{"url": root_path or "/"}],
        "paths": {path: {"post": _operation(operation, schema_of)} for path, operation in OPERATIONS.items()},
        "components": {"schemas": schemas, "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer"}}},
    }


def _types(operation: Operation) -> Sequence[type[Struct]]:
    conflict = () if operation.conflict is None else (operation.conflict,)
    return operation.body, *operation.answers, *conflict, Problem


def _operation(operation: Operation, schema_of: Mapping[type[Struct], dict[str, Any]]) -> dict[str, Any]:
    body = {"schema": schema_of[operation.body]}
    success = {"schema": {"anyOf": [schema_of[answer] for answer in operation.answers]}}
    problems = {**operation.problems, **PROBLEMS}
    responses = {
        "200": {"description": operation.success, "content": {"application/json": success}},
        **{status: _problem(status, problem, schema_of[Problem]) for status, problem in problems.items()},
    }
    if operation.conflict is not None:
        description = "A sale with this `transaction_id` was recorded before"
        responses["409"] = _problem("409", description, schema_of[operation.conflict])
    return {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        **({"security": operation.security} if operation.security else {}),
        "requestBody": {"required": True, "content": {"application/json": body, "text/plain": body}},
        "responses": dict(sorted(responses.items())),
    }


def _problem(status: str, description: str, problem: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": problem}}}
    if status in ("429", "503"):
        answer["headers"] = {"Retry-After": RETRY_AFTER}
    return answer
