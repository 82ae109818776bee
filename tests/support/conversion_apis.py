"""The APIs that accept leads, sales and refunds. Each returns REST's response, so that the same tests check all.

Tests about fields of the wrong type are for REST alone: GraphQL refuses them by its types, before anything else.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import httpx
import pytest
from msgspec import Raw, Struct
from msgspec.json import encode
from strawberry.utils.str_converters import to_camel_case, to_snake_case

from graph.domain.leads import LeadInput
from graph.domain.refunds import RefundInput
from graph.domain.sales import SaleInput
from tests.support.gateways import body_of

GRAPHQL = "/graphql"
STRUCTS: dict[str, type[Struct]] = {"lead": LeadInput, "sale": SaleInput, "refund": RefundInput}
REFUSED = "... on RefusedConversion { success message code }"
TEST = "... on TrackedTestConversion { success message eventId programId testMode }"
LATE = "... on UnattributedConversion { success reason clickAgeDays windowDays }"
OUTCOMES = {
    "lead": f"{{ __typename ... on TrackedLead {{ message isProvisional isKnown }} {LATE} {TEST} {REFUSED} }}",
    "sale": "{ __typename ... on TrackedSale { success saleId commissionId message } "
    f"... on DuplicateSale {{ message saleId commissionId }} {LATE} {TEST} {REFUSED} }}",
    "refund": "{ __typename ... on TrackedRefund { status deduction { formatted } commissionId } " + REFUSED + " }",
}
# REST's status codes for GraphQL responses without data, by error code.
STATUSES = {"BAD_USER_INPUT": 400, "UNAUTHENTICATED": 401, "RATE_LIMITED": 429, "UNAVAILABLE": 503, "INTERNAL": 500}
PATHS = {kind: f"/api/v1/track/{kind}" for kind in ("lead", "sale", "refund")}

ConversionApi: TypeAlias = Callable[[httpx.AsyncClient, str, Mapping[str, Any], str | None], Awaitable[httpx.Response]]
"""Sends the fields of a `lead`, `sale` or `refund`, with or without a token."""


async def rest(http: httpx.AsyncClient, kind: str, fields: Mapping[str, Any], token: str | None) -> httpx.Response:
    """Send a conversion to its REST endpoint."""
    return await http.post(PATHS[kind], json=fields, headers=authorization(token))


def authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


async def graphql(http: httpx.AsyncClient, kind: str, fields: Mapping[str, Any], token: str | None) -> httpx.Response:
    """Send a conversion as a GraphQL mutation; return the response that REST would give."""
    noun = kind.title()
    variables = {"input": {to_camel_case(name): _in_graphql(name, value) for name, value in fields.items()}}
    document = f"mutation ($input: Track{noun}Input!) {{ track{noun}(input: $input) {OUTCOMES[kind]} }}"
    body = {"query": document, "variables": variables}
    answer = (await http.post(GRAPHQL, json=body, headers=authorization(token))).json()
    if "errors" not in answer:
        return _answered(kind, answer["data"][f"track{noun}"])
    error = answer["errors"][0]
    code = error["extensions"]["code"]
    message = f"{noun} tracking failed" if code == "INTERNAL" else _in_rest(kind, error["message"])
    told = error["extensions"]
    headers = {"Retry-After": str(told["retryAfter"])} if "retryAfter" in told else {}
    headers |= {"Clickgate-Fault": told["fault"]} if "fault" in told else {}
    return httpx.Response(STATUSES[code], json={"error": message}, headers=headers)


conversion_apis = pytest.mark.parametrize("conversion_api", [rest, graphql], ids=["rest", "graphql"])


def _in_graphql(name: str, value: Any) -> Any:
    return value.upper() if name in ("sale_type", "subscription_interval") and isinstance(value, str) else value


def _in_rest(kind: str, message: str) -> str:
    """Return a message with its fields spelled as in REST."""
    spelled = {to_camel_case(name): name for name in STRUCTS[kind].__struct_fields__}
    return re.sub(rf"\b({'|'.join(spelled)})\b", lambda field: spelled[field[0]], message)


def _answered(kind: str, told: dict[str, Any]) -> httpx.Response:
    match told.pop("__typename"):
        case "TrackedLead" if told["isProvisional"]:
            return httpx.Response(200, json={"success": True, "provisional": True, "message": told["message"]})
        case "TrackedLead":
            return httpx.Response(200, json={"success": True, "message": told["message"]})
        case "TrackedSale":
            return httpx.Response(200, json={to_snake_case(name): value for name, value in told.items()})
        case "TrackedRefund":
            return httpx.Response(200, content=_refund(told))
        case "UnattributedConversion":
            late = {"attributed": False, **{to_snake_case(name): value for name, value in told.items()}}
            ids = {"sale_id": None, "commission_id": None} if kind == "sale" else {}
            return httpx.Response(200, json={**late, **ids})
        case "TrackedTestConversion":
            data = {"eventId": told["eventId"], "programId": told["programId"], "test_mode": told["testMode"]}
            return httpx.Response(200, json={"success": True, "message": told["message"], "data": data})
        case "DuplicateSale":
            code = {"error": _in_rest(kind, told["message"]), "code": "duplicate_transaction"}
            return httpx.Response(409, json={**code, "sale_id": told["saleId"], "commission_id": told["commissionId"]})
    status = 404 if told["code"] == "unknown_sale" else 400
    return httpx.Response(status, json={"error": _in_rest(kind, told["message"]), "code": told["code"]})


def _refund(told: dict[str, Any]) -> bytes:
    match told["status"]:
        case "SKIPPED":
            return encode({"success": True, "status": "skipped", "reason": "already reversed"})
        case "NO_COMMISSION":
            message = "Sale has no commission to reverse"
            return encode({"success": True, "status": "no_commission", "message": message})
        case status:
            deducted = Raw(told["deduction"]["formatted"].partition(" ")[0].encode())
            ids = {"deductionAmount": deducted, "commission_id": told["commissionId"]}
            return encode({"success": True, "status": status.lower(), **ids})


def error_of(answer: httpx.Response) -> str:
    body = body_of(answer)
    assert answer.status_code == 400, body
    assert set(body) <= {"error", "code"}
    return str(body["error"])
