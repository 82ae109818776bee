"""Commits whose reply is lost: what they recorded is found again, and answered as it would have been."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from db.engine.store import Store
from db.ingest.conversions.records import LeadRecorded, Refusal, SaleDuplicate, SaleRecorded
from db.schema.conversions import LeadEvent, Sale
from db.schema.programs import Program
from tests.support.committers import make_committer
from tests.support.conversion_world import NOW, ConversionWorld, lead, refund, sale
from tests.support.databases import MakeDatabase
from tests.support.faulty_proxy import lossy_proxy


@asynccontextmanager
async def losing_next_reply(direct: ConversionWorld) -> AsyncIterator[ConversionWorld]:
    """Yield the same world through a committer whose next reply to a commit will be lost."""
    with tempfile.TemporaryDirectory(prefix="cg-") as folder:
        url = direct.store.url.render_as_string(hide_password=False)
        async with lossy_proxy(url, Path(folder)) as (proxied, proxy):
            store = Store(proxied)
            world = ConversionWorld(store, make_committer(store))
            await world.commit(lead("nonsense"), sale("t0"), refund("t0"))
            proxy.lose = 1
            yield world
            assert proxy.lost == 1
            await world.close()


@pytest.mark.parametrize("named", [True, False])
async def test_sales_and_refunds_are_not_written_twice(make_postgres: MakeDatabase, named: bool) -> None:
    direct = await ConversionWorld.make(make_postgres())
    await direct.rule()
    click_id = await direct.click()
    async with losing_next_reply(direct) as world:
        batch = [
            lead("nonsense"),
            sale("t1", click_id=click_id),
            sale("t1", click_id=click_id),
            refund("t1", 100, "r1" if named else None),
            refund("t1", 200),
        ]
        unknown, made, again, *refunds = await world.commit(*batch)
        assert unknown == Refusal.UNKNOWN_CUSTOMER
        assert isinstance(made, SaleRecorded)
        assert again == SaleDuplicate(made.sale_id, made.commission_id)
        assert [(one.status, one.deducted, one.commission_id) for one in refunds] == [
            ("refunded", 20, made.commission_id),
            ("refunded", 40, made.commission_id),
        ]
        assert [row.refunded for row in await world.rows(Sale)] == [300]
        assert not await world.differences()
    await direct.close()


async def test_a_lead_is_answered_as_recorded_though_its_customer_bought_in_the_same_batch(
    make_postgres: MakeDatabase,
) -> None:
    direct = await ConversionWorld.make(make_postgres())
    async with direct.store.write() as connection:
        await connection.execute(update(Program).where(Program.id == 2).values(lead_auth="server"))
    first, second = await direct.click(1), await direct.click(3)
    async with losing_next_reply(direct) as world:
        batch = [
            lead(first),
            lead(second, program_id=None, event_name="provisional"),
            sale("t1", click_id=first),
            sale("t2", click_id=second, program_id=2, at=NOW + timedelta(seconds=1)),
        ]
        signup, provisional, *sales = await world.commit(*batch)
        ids = [row.id for row in await world.rows(LeadEvent)]
        assert signup == LeadRecorded(ids[0], is_provisional=False)
        assert provisional == LeadRecorded(ids[1], is_provisional=True)
        assert all(isinstance(outcome, SaleRecorded) for outcome in sales)
        assert not await world.differences()
    await direct.close()
