"""Fixtures of the tests of web pages."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.support.consoles import Console, running_console, running_office
from tests.support.databases import MakeDatabase


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console(make_sqlite: MakeDatabase) -> AsyncIterator[Console]:
    """The gateway and the browser that all tests of the dashboard's sections share."""
    async with running_console(make_sqlite()) as running:
        yield running


@pytest_asyncio.fixture
async def office(make_sqlite: MakeDatabase, browser: Browser) -> AsyncIterator[Console]:
    """A gateway of a test's own, whose rows it may change."""
    async with running_office(make_sqlite(), browser) as running:
        yield running
