"""Writers registered on PostgreSQL: one that is presumed dead commits nothing that followers have passed."""

import asyncio
import signal
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, select, text

from db.engine.store import Store
from db.ingest.clicks.records import Receipt
from db.ingest.committer import Committer
from db.schema.clicks import ClickEvent
from db.schema.writers import RunningWriter
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.faulty_proxy import lossy_proxy
from tests.support.following_clients import Follower
from tests.support.gateways import make_link, running_gateway
from tests.support.processes import kill, serving
from tests.support.registered_writers import click, events, fall_silent, renewed, writers

pytestmark = pytest.mark.slow


async def renewed_and_reaped(committer: Committer) -> datetime:
    """Do the same, and remove dead writers, which otherwise happens every two seconds."""
    assert committer._session._registration is not None
    committer._session._registration._reaped_at = 0
    return await renewed(committer)


async def test_a_writer_presumed_dead_commits_no_earlier_clicks(
    store: Store, committers: tuple[Committer, Committer]
) -> None:
    dead, alive = committers
    await renewed(dead)
    (dead_id,) = await writers(store)
    received = [click(session_id="a"), click(session_id="b")]
    await renewed(alive)
    await fall_silent(store)
    watermark = await renewed_and_reaped(alive)
    assert dead_id not in await writers(store)
    await alive.commit([click(session_id="later")])
    first, second = await dead.commit(received)
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    later, *late = await events(store)
    assert [event.session_id for event in late] == ["a", "b"]
    assert all(event.occurred_at >= watermark for event in late)
    assert all(event.id > later.id for event in late)


async def test_a_writer_with_an_open_transaction_is_not_presumed_dead(
    store: Store, committers: tuple[Committer, Committer]
) -> None:
    slow, other = committers
    await renewed(slow)
    (slow_id,) = await writers(store)
    async with store.write() as connection:
        await connection.execute(text("UPDATE referral_links SET clicks = clicks"))
        committing = asyncio.create_task(slow.commit([click()]))
        await asyncio.sleep(0.3)
        await fall_silent(store)
        await renewed_and_reaped(other)
        assert slow_id in await writers(store)
    (receipt,) = await committing
    assert isinstance(receipt, Receipt)
    await fall_silent(store)
    await renewed_and_reaped(other)
    assert slow_id not in await writers(store)


async def test_a_commit_whose_reply_and_writer_are_lost_is_not_written_twice(store: Store) -> None:
    url = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory(prefix="cg-") as runner:
        async with lossy_proxy(url, Path(runner)) as (proxied, proxy):
            behind = Store(proxied)
            committer = make_committer(behind)
            await committer.commit([click(session_id="first")])
            session = committer._session
            drop = session.drop

            async def drop_and_be_removed() -> None:
                await drop()
                async with store.write() as connection:
                    await connection.execute(delete(RunningWriter).where(RunningWriter.id > 0))

            session.drop = drop_and_be_removed  # type: ignore[method-assign]
            proxy.lose = 1
            receipts = await committer.commit([click(session_id=name) for name in "abc"])
            assert proxy.lost == 1
            assert all(isinstance(receipt, Receipt) for receipt in receipts)
            assert [event.session_id for event in await events(store)] == ["first", "a", "b", "c"]
            session.drop = drop  # type: ignore[method-assign]
            await committer.disconnect()
            await behind.close()


async def test_a_writer_that_abandons_a_transaction_keeps_its_row_until_that_ends(
    store: Store, committers: tuple[Committer, Committer]
) -> None:
    committer, other = committers
    received = click(session_id="late")
    async with store.write() as connection:
        await connection.execute(text("UPDATE referral_links SET clicks = clicks"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await committer.commit([received])
        await committer.disconnect()
        (left,) = (await writers(store)).values()
        assert left.occurred_from <= received.received_at
        # It continues under another id, and its old watermark still delays followers.
        await committer.renew()
        assert len(await writers(store)) == 2
    await renewed(other)


async def test_a_killed_or_stopped_gateway_delays_followers_by_seconds_only(
    make_postgres: MakeDatabase,
) -> None:
    url = make_postgres()
    await make_link(url)
    body = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}
    path = "/api/v1/track/click"
    async with (
        running_gateway(url) as here,
        serving(url) as (stopped, stopped_url),
        serving(url) as (killed, killed_url),
        httpx.AsyncClient(timeout=20) as http,
    ):
        following = [Follower(here, await here.token(), order) for order in ("OCCURRED_AT", "ID")]
        for base in (stopped_url, killed_url):
            assert (await http.post(base + path, json=body)).status_code == 200
        await kill(killed)
        stopped.send_signal(signal.SIGSTOP)
        await here.track()
        for follower in following:
            await follower.until(3)
        stopped.send_signal(signal.SIGCONT)
        async with httpx.AsyncClient(timeout=20) as again:
            assert (await again.post(stopped_url + path, json=body)).status_code == 200
        await here.track()
        for follower in following:
            await follower.until(5)
            assert len(set(follower.ids)) == len(follower.ids) == 5


async def test_unused_ids_of_a_block_delay_followers_by_seconds_only(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    await make_link(url)
    async with running_gateway(url) as first, running_gateway(url) as second:
        follower = Follower(second, await second.token(), "ID")
        await first.track()
        await second.track()
        await first.track()
        await follower.until(3)
        async with second.store.read() as connection:
            ids = list(await connection.scalars(select(ClickEvent.id)))
        assert max(ids) - min(ids) >= 1000, "the two took blocks of their own"


async def test_a_writer_starts_from_the_others_watermarks(store: Store) -> None:
    ahead = make_committer(store, clock=lambda: datetime.now(UTC) + timedelta(seconds=5))
    watermark = await renewed(ahead)
    await ahead.disconnect()  # its watermark is kept although its row was deleted
    committer = make_committer(store)
    await committer.commit([click()])
    (event,) = await events(store)
    assert event.occurred_at >= watermark
    await committer.disconnect()
