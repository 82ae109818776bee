"""Fixtures of the tests of web pages."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.consoles import Console, running_console
from tests.support.databases import MakeDatabase


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console(make_sqlite: MakeDatabase) -> AsyncIterator[Console]:
    """The gateway and the browser that all tests of the dashboard's sections share."""
    async with running_console(make_sqlite()) as running:
        yield running
