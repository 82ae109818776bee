"""Fixtures of the tests of GraphQL over HTTP and WebSockets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.graphql_endpoints import client, served
from tests.support.graphql_http import PAGE


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with client(origins=[PAGE]) as http:
        yield http


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with served() as address:
        yield address
