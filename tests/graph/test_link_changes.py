"""A link or a program that was changed is changed for the very next click in the process that made the change.

The directory's own refreshing is switched off here: whatever a click sees, the change itself has told the directory.
"""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from db.engine.store import Store
from db.lookups.directory_version import numbered
from db.lookups.link_directory import LinkDirectory
from db.lookups.link_records import read_changed
from db.schema.links import ReferralLink
from graph.domain import links
from tests.support.admin_mutations import changed, make_world
from tests.support.gateways import Gateway, body_of

NEVER = 3600


@pytest.fixture(autouse=True)
def _without_refreshing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.lookups.link_directory.REFRESH_SECONDS", NEVER)


@pytest.mark.slow
async def test_the_click_after_a_change_sees_it(gateway: Gateway) -> None:
    world = await make_world(gateway)
    new = {"programId": world.program, "partnerId": world.partner}
    assert body_of(await gateway.track("NEW"))["error"] == "Referral link not found"
    made = (await changed(gateway, "createReferralLink", world.owner, code="NEW", **new))["referralLink"]

    async def change(**fields: Any) -> None:
        await changed(gateway, "updateReferralLink", world.owner, id=made["id"], **fields)

    assert body_of(await gateway.track("NEW"))["success"] is True
    await change(status="INACTIVE")
    assert body_of(await gateway.track("NEW"))["success"] is False
    await change(status="ACTIVE", code="RENAMED")
    assert body_of(await gateway.track("NEW"))["error"] == "Referral link not found"
    assert body_of(await gateway.track("RENAMED"))["success"] is True
    await changed(gateway, "updateProgram", world.admin, id=world.program, cookieWindowDays=7)
    assert body_of(await gateway.track("RENAMED"))["cookie_window_days"] == 7
    clicks = (await gateway.link_row("RENAMED"))["clicks"]
    assert clicks == 3


@pytest.mark.slow
async def test_no_click_is_counted_after_its_link_is_paused(gateway: Gateway) -> None:
    world = await make_world(gateway)
    for _ in range(10):
        for status, counts in (("INACTIVE", False), ("ACTIVE", True)):
            before = [asyncio.create_task(gateway.track("HERE")) for _ in range(8)]
            await changed(gateway, "updateReferralLink", world.owner, id=world.link, status=status)
            after = [body_of(answer) for answer in await asyncio.gather(*(gateway.track("HERE") for _ in range(4)))]
            assert {answer["success"] for answer in after} == {counts}
            await asyncio.gather(*before)
    await gateway.recorded()


async def test_a_lookup_that_began_before_a_change_does_not_undo_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is not known yet, and its row was read just before it was paused."""
    directory = LinkDirectory(store)
    read, may_end, fetch = asyncio.Event(), asyncio.Event(), store.fetch

    async def held(*arguments: Any) -> Any:
        found = await fetch(*arguments)
        read.set()
        await may_end.wait()
        return found

    monkeypatch.setattr(store, "fetch", held)
    finding = asyncio.create_task(directory.find("PARTNER123"))
    await read.wait()
    directory.link_changed(await _paused(store))
    may_end.set()
    for link in (await finding, await directory.find("PARTNER123"), await directory.link(1)):
        assert link is not None
        assert not link.is_active


async def test_a_reload_that_began_before_a_change_does_not_undo_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = LinkDirectory(store)
    reading, may_end = asyncio.Event(), asyncio.Event()

    async def held(*arguments: Any, **options: Any) -> Any:
        found = await read_changed(*arguments, **options)
        reading.set()
        await may_end.wait()
        return found

    monkeypatch.setattr("db.lookups.link_directory.read_changed", held)
    reload = asyncio.create_task(directory.refresh())
    await reading.wait()
    directory.link_changed(await _paused(store))
    may_end.set()
    await reload
    link = await directory.find("PARTNER123")
    assert link is not None
    assert not link.is_active


async def test_changes_seen_out_of_order_still_apply(gateway: Gateway) -> None:
    """Two links swap their codes by three changes, and the directory learns of the last one first."""
    world = await make_world(gateway)
    directory = LinkDirectory(gateway.store)
    await directory.refresh()
    ids = {row["code"]: row["id"] for row in await gateway.rows(ReferralLink)}
    steps = [("HERE", "SPARE"), ("THERE", "HERE"), ("HERE", "THERE")]
    rows = [await links.change(gateway.context, ids[name], {"code": code}) for name, code in steps]
    for row in reversed(rows):
        directory.link_changed(row)
    for name, code in (("HERE", "THERE"), ("THERE", "HERE")):
        link = await directory.find(code)
        assert link is not None
        assert link.id == ids[name]
        assert await directory.link(ids[name]) == link
    assert world.link


async def _paused(store: Store) -> dict[str, Any]:
    """Pause the link; return its row as it was committed."""
    async with store.write() as connection:
        values = await numbered(connection, ReferralLink, {"status": "inactive"})
        await connection.execute(update(ReferralLink).values(values))
    async with store.read() as connection:
        return (await connection.execute(select(ReferralLink.__table__))).one()._asdict()
