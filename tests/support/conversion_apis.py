"""The APIs that accept leads, sales and refunds. Each returns REST's response, so that the same tests check all."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import httpx
import pytest

PATHS = {kind: f"/api/v1/track/{kind}" for kind in ("lead", "sale", "refund")}

ConversionApi: TypeAlias = Callable[[httpx.AsyncClient, str, Mapping[str, Any], str | None], Awaitable[httpx.Response]]
"""Sends the fields of a `lead`, `sale` or `refund`, with or without a token."""


async def rest(http: httpx.AsyncClient, kind: str, fields: Mapping[str, Any], token: str | None) -> httpx.Response:
    """Send a conversion to its REST endpoint."""
    return await http.post(PATHS[kind], json=fields, headers=authorization(token))


def authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


conversion_apis = pytest.mark.parametrize("conversion_api", [rest], ids=["rest"])
