"""A writer of another version than the schema commits nothing on PostgreSQL."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select, text

from db.engine import migrate
from db.engine.store import Store
from db.ingest.committer import Committer
from db.migrations.revisions import REVISIONS
from db.schema.clicks import ClickEvent
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.registered_writers import click, renewed, writers
from tests.support.report_world import aggregation

pytestmark = pytest.mark.slow
NEWER = "9999"


@asynccontextmanager
async def upgrading(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Upgrade the schema to a revision that this version does not know; commit at the end of the block."""

    def run(config: Any, _revision: str) -> None:
        connection: Connection = config.attributes["connection"]
        connection.execute(text("UPDATE alembic_version SET version_num = :newer"), {"newer": NEWER})

    with monkeypatch.context() as patched:
        patched.setattr(ScriptDirectory, "get_current_head", lambda self: NEWER)
        patched.setattr(command, "upgrade", run)
        async with store.write() as connection:
            await connection.run_sync(migrate._upgrade)
            yield


async def go_back(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :old"), {"old": REVISIONS[-1]})


async def count(store: Store) -> int:
    async with store.read() as connection:
        return await connection.scalar(select(func.count()).select_from(ClickEvent)) or 0


async def test_a_gateway_records_nothing_after_the_schema_is_upgraded(
    make_postgres: MakeDatabase, monkeypatch: pytest.MonkeyPatch, said: list[logging.LogRecord]
) -> None:
    async with running_gateway(make_postgres()) as gateway:
        await gateway.link()
        assert (await gateway.track()).status_code == 200
        async with upgrading(gateway.store, monkeypatch):
            during = asyncio.create_task(gateway.track())
            await asyncio.sleep(0.3)
            assert not during.done()
        answers = [await during, await gateway.track(), await gateway.track(None, additional_data={"test_mode": True})]
        assert [answer.status_code for answer in answers] == [503] * 3
        assert all(answer.headers["Retry-After"] for answer in answers)
        assert await count(gateway.store) == 1
        await asyncio.sleep(1)
        (line,) = said
        assert NEWER in line.getMessage()
        assert line.exc_info is None
        await go_back(gateway.store)
        assert (await gateway.track()).status_code == 200


async def test_an_idle_gateway_notices_that_the_schema_was_upgraded(
    make_postgres: MakeDatabase, monkeypatch: pytest.MonkeyPatch, said: list[logging.LogRecord]
) -> None:
    async with running_gateway(make_postgres()) as gateway:
        async with upgrading(gateway.store, monkeypatch):
            pass
        async with asyncio.timeout(5):
            while not said:
                await asyncio.sleep(0.05)
        assert NEWER in said[0].getMessage()


async def test_a_runner_adds_nothing_to_rollups_that_have_moved_on(
    store: Store, committers: tuple[Committer, Committer], monkeypatch: pytest.MonkeyPatch
) -> None:
    await committers[0].commit([click()])
    async with upgrading(store, monkeypatch):
        pass
    runner = aggregation(store)
    with pytest.raises(Exception, match=NEWER):
        await runner.run_once()
    await go_back(store)
    await runner.run_all()
    await runner.close()


async def test_an_upgrade_with_nothing_to_do_does_not_affect_writers(
    store: Store, committers: tuple[Committer, Committer]
) -> None:
    await renewed(committers[0])
    before = await writers(store)
    await migrate.upgrade(store)
    assert list(await writers(store)) == list(before)
