"""The link directory: at most a second out of date, and each unknown code looked up only once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from sqlalchemy import text

from db.engine.store import Store
from db.lookups.link_directory import LinkDirectory
from db.lookups.link_records import KnownLink, LinkIndex, read_changed
from tests.support.gateways import NOTICE_CHANGES

Read: TypeAlias = Callable[..., Awaitable[Any]]


@pytest.fixture
async def directory(store: Store) -> AsyncIterator[LinkDirectory]:
    directory = LinkDirectory(store)
    await directory.refresh()
    yield directory
    await directory.close()


async def execute(store: Store, statement: str) -> None:
    async with store.write() as connection:
        await connection.execute(text(statement))
        if store.database.is_cluster:
            await connection.execute(text(NOTICE_CHANGES))


async def test_existing_links_are_in_the_directory(directory: LinkDirectory) -> None:
    link = await directory.find("PARTNER123")
    assert link is not None
    assert link.is_active
    assert await directory.link(link.id) == link
    assert await directory.find("partner123") is None


async def test_a_link_created_later_is_found_at_once(store: Store, directory: LinkDirectory) -> None:
    await execute(store, "INSERT INTO referral_links (code) VALUES ('LATER')")
    link = await directory.find("LATER")
    assert link is not None
    assert link.partner_id is None


async def test_an_unknown_code_is_found_after_the_next_refresh(store: Store, directory: LinkDirectory) -> None:
    assert await directory.find("LATER") is None
    await execute(store, "INSERT INTO referral_links (code) VALUES ('LATER')")
    assert await directory.find("LATER") is None
    await directory.refresh()
    assert await directory.find("LATER") is not None


async def test_a_changed_link_is_read_again(store: Store, directory: LinkDirectory) -> None:
    await execute(store, "UPDATE referral_links SET status = 'inactive'")
    await directory.refresh()
    link = await directory.find("PARTNER123")
    assert link is not None
    assert not link.is_active


@pytest.mark.parametrize("part_rows", [1, 2, 4, 5])
async def test_many_links_are_read_in_chunks(
    store: Store, directory: LinkDirectory, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    monkeypatch.setattr("db.lookups.link_records.PART_ROWS", part_rows)
    await execute(store, "INSERT INTO referral_links (code) VALUES ('A'), ('B'), ('C')")
    await execute(store, "UPDATE referral_links SET status = 'inactive' WHERE code <> 'C'")
    started = LinkDirectory(store)
    for each in (directory, started):
        await each.refresh()
        found = [await each.find(code) for code in ("PARTNER123", "A", "B", "C")]
        assert [link and link.is_active for link in found] == [False, False, False, True]
        assert each.size == 4


async def test_a_renamed_link_is_found_by_its_new_code_only(store: Store, directory: LinkDirectory) -> None:
    await execute(store, "UPDATE referral_links SET code = 'RENAMED'")
    await directory.refresh()
    assert await directory.find("PARTNER123") is None
    assert await directory.find("RENAMED") is not None


async def test_a_deleted_link_is_forgotten(store: Store, directory: LinkDirectory) -> None:
    await execute(store, "DELETE FROM referral_links")
    await directory.refresh()
    assert await directory.find("PARTNER123") is None


async def test_a_programs_new_window_is_read(store: Store, directory: LinkDirectory) -> None:
    await execute(store, "UPDATE affiliate_programs SET cookie_window_days = 30")
    await directory.refresh()
    program = await directory.program(1)
    assert program is not None
    assert program.cookie_window_days == 30


@pytest.mark.slow
async def test_a_started_directory_refreshes_itself(store: Store) -> None:
    directory = LinkDirectory(store)
    await directory.start()
    await execute(store, "UPDATE referral_links SET status = 'inactive'")
    await asyncio.sleep(1)
    link = await directory.find("PARTNER123")
    assert link is not None
    assert not link.is_active
    await directory.close()


async def test_many_clicks_on_one_unknown_code_cause_one_query(store: Store, directory: LinkDirectory) -> None:
    assert set(await asyncio.gather(*(directory.find("NOBODY") for _ in range(100)))) == {None}
    await execute(store, "UPDATE referral_links SET code = 'NOBODY'")
    assert await directory.find("NOBODY") is None


async def test_an_older_result_does_not_undo_a_newer_one() -> None:
    known = LinkIndex()
    old, new = (
        LinkIndex([KnownLink(1, "A", True, 1, 1, version=5)]),
        LinkIndex([KnownLink(1, "A", False, 1, 1, version=6)]),
    )
    known.learn(new)
    known.learn(old)
    assert not known.links["A"].is_active


async def test_a_link_created_and_looked_up_during_a_reload_is_found(
    store: Store, directory: LinkDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, reload_may_end, looked_up, look_up_may_end = (asyncio.Event() for _ in range(4))

    def held(read: Read, done: asyncio.Event, may_end: asyncio.Event) -> Read:
        """Wrap a function so that it returns its result only when the test allows it."""

        async def read_and_wait(*arguments: Any, **options: Any) -> Any:
            found = await read(*arguments, **options)
            done.set()
            await may_end.wait()
            return found

        return read_and_wait

    await execute(store, "INSERT INTO referral_links (code) VALUES ('GONE')")
    await execute(store, "DELETE FROM referral_links WHERE code = 'GONE'")
    monkeypatch.setattr("db.lookups.link_directory.read_changed", held(read_changed, reading, reload_may_end))
    monkeypatch.setattr(store, "fetch", held(store.fetch, looked_up, look_up_may_end))
    reload = asyncio.create_task(directory.refresh())
    await reading.wait()
    await execute(store, "INSERT INTO referral_links (code) VALUES ('LATER')")
    find = asyncio.create_task(directory.find("LATER"))
    await looked_up.wait()
    reload_may_end.set()
    await reload
    look_up_may_end.set()
    assert await find is not None


async def test_the_directory_reloads_after_a_backup_is_restored(store: Store, directory: LinkDirectory) -> None:
    await execute(store, "UPDATE referral_links SET status = 'inactive'")
    await directory.refresh()
    await execute(store, "UPDATE referral_links SET status = 'active'")
    await execute(store, "UPDATE referral_links SET version = 1")
    await execute(store, "UPDATE link_directory_version SET version = 1")
    await directory.refresh()
    link = await directory.find("PARTNER123")
    assert link is not None
    assert link.is_active
