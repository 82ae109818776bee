"""Fixtures of the tests of registered writers."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from db.audit.report import audit
from db.engine.store import Store
from db.ingest.committer import Committer
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.registered_writers import Keeping


@pytest.fixture
async def store(make_postgres: MakeDatabase) -> AsyncIterator[Store]:
    url = make_postgres()
    await make_link(url)
    store = Store(url)
    yield store
    assert not (await audit(store)).differences
    await store.close()


@pytest.fixture
async def committers(store: Store) -> AsyncIterator[tuple[Committer, Committer]]:
    pair = make_committer(store), make_committer(store)
    yield pair
    for committer in pair:
        await committer.disconnect()


@pytest.fixture
def said() -> Iterator[list[logging.LogRecord]]:
    """The messages that click writers log."""
    handler, logger = Keeping(), logging.getLogger("db.ingest.availability")
    logger.addHandler(handler)
    yield handler.records
    logger.removeHandler(handler)
