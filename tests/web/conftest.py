"""Fixtures of the tests of web pages."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.support.consoles import Console, running_console, running_office
from tests.support.databases import MakeDatabase


@pytest.fixture(scope="session")
async def console(make_sqlite: MakeDatabase, browser: Browser) -> AsyncIterator[Console]:
    """The gateway that all tests of the dashboard's sections share."""
    async with running_console(make_sqlite(), browser) as running:
        yield running


@pytest.fixture
async def office(make_sqlite: MakeDatabase, browser: Browser) -> AsyncIterator[Console]:
    """A gateway of a test's own, whose rows it may change."""
    async with running_office(make_sqlite(), browser) as running:
        yield running
