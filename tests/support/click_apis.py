"""The two APIs that accept clicks: the REST endpoint and the GraphQL mutation. Both return REST's response here, so
that the same tests check both."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import httpx
import pytest
from strawberry.utils.str_converters import to_camel_case, to_snake_case

from graph.domain.visit import Visit

CLICK = "/api/v1/track/click"
GRAPHQL = "/graphql"
TRACK_CLICK = """
mutation ($input: TrackClickInput!) {
  trackClick(input: $input) {
    __typename
    ... on TrackedClick { success clickId partnerCode cookieWindowDays }
    ... on TrackedTestEvent { success message eventId programId testMode }
    ... on InactiveReferralLink { success message }
    ... on RefusedClick { success message code }
  }
}
"""
FIELDS = {to_camel_case(name): name for name in Visit.__struct_fields__}
# REST's status codes for GraphQL responses without data, by error code.
STATUSES = {"BAD_USER_INPUT": 400, "RATE_LIMITED": 429, "UNAVAILABLE": 503, "INTERNAL": 500}

Headers: TypeAlias = Mapping[str, str] | list[tuple[bytes, bytes]] | None
ClickApi: TypeAlias = Callable[[httpx.AsyncClient, Mapping[str, Any], Headers], Awaitable[httpx.Response]]


async def rest(http: httpx.AsyncClient, fields: Mapping[str, Any], headers: Headers = None) -> httpx.Response:
    """Send a click to the REST endpoint."""
    return await http.post(CLICK, json=fields, headers=headers)


async def graphql(http: httpx.AsyncClient, fields: Mapping[str, Any], headers: Headers = None) -> httpx.Response:
    """Send a click as a GraphQL mutation; return the response that REST would give."""
    variables = {"input": {to_camel_case(name): value for name, value in fields.items()}}
    answer = await http.post(GRAPHQL, json={"query": TRACK_CLICK, "variables": variables}, headers=headers)
    body = answer.json()
    if "errors" in body:
        assert not body.get("data")
        (error,) = body["errors"]
        return _failed(error["message"], **error["extensions"])
    assert answer.status_code == 200
    return _answered(body["data"]["trackClick"])


both_apis = pytest.mark.parametrize("click_api", [rest, graphql], ids=["rest", "graphql"])


def _answered(told: dict[str, Any]) -> httpx.Response:
    kind = told.pop("__typename")
    match kind:
        case "TrackedClick":
            return httpx.Response(200, json={to_snake_case(name): value for name, value in told.items()})
        case "TrackedTestEvent":
            data = {"eventId": told["eventId"], "programId": told["programId"], "test_mode": told["testMode"]}
            return httpx.Response(200, json={"success": told["success"], "message": told["message"], "data": data})
        case "InactiveReferralLink":
            return httpx.Response(200, json=told)
    assert (kind, told["success"]) == ("RefusedClick", False)
    return httpx.Response(400, json={"error": _in_rest(told["message"]), "code": told["code"]})


def _in_rest(message: str) -> str:
    """Return a message with its fields spelled as in REST. It must not contain those spellings already."""
    assert not re.search("|".join(name for name in FIELDS.values() if "_" in name), message), message
    return re.sub(rf"\b({'|'.join(FIELDS)})\b", lambda field: FIELDS[field[0]], message)


def _failed(message: str, code: str, **told: Any) -> httpx.Response:
    status = STATUSES[code]
    error = "Click tracking failed" if status == 500 else _in_rest(message)
    headers = {"Retry-After": str(told["retryAfter"])} if "retryAfter" in told else None
    return httpx.Response(status, json={"error": error}, headers=headers)
