"""Sends GraphQL requests over HTTP to a small schema, and reads the answers."""

import json
from typing import Any

import httpx

from tests.support.graphql_endpoints import PATH

PLAIN, NEWER = "application/json", "application/graphql-response+json"
PAGE = "https://app.example.com"


async def post(http: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    """Send a body, as JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post(PATH, content=content, headers={"Content-Type": PLAIN} | given)


async def ask(http: httpx.AsyncClient, query: str, accept: str = PLAIN, **variables: Any) -> httpx.Response:
    return await post(http, {"query": query, "variables": variables}, accept=accept)


def errors_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return an answer's errors, having checked that it is one of GraphQL."""
    body = answer.json()
    assert set(body) <= {"data", "errors", "extensions"}
    errors: list[dict[str, Any]] = body["errors"]
    return errors


def codes_of(answer: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in errors_of(answer)}
