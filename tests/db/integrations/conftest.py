from collections.abc import AsyncIterator

import pytest

from tests.support.conversion_world import ConversionWorld


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[ConversionWorld]:
    """On SQLite and on PostgreSQL; audited at the end."""
    world = await ConversionWorld.make(database_url)
    yield world
    assert not await world.differences()
    await world.close()
