"""How refunds are recorded, and what they take off commissions."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text

from db.ingest.conversions.commissions import rounded_share
from db.ingest.conversions.records import RefundRecorded, Refusal, SaleRecorded
from db.ingest.conversions.rejections import book_rejection
from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import Refund, Sale
from tests.support.committers import make_committer
from tests.support.conversion_world import NOW, ConversionWorld, refund, sale
from tests.support.databases import MakeDatabase


async def sold(world: ConversionWorld, amount: int = 1000, **fields: Any) -> SaleRecorded:
    click_id = await world.click()
    made = await world.one(sale(amount=amount, click_id=click_id, **fields))
    assert isinstance(made, SaleRecorded)
    return made


async def test_a_refund_in_parts_takes_the_commission_back(world: ConversionWorld) -> None:
    await world.rule(basis_points=3333)
    made = await sold(world, 100)
    id = made.commission_id
    outcomes = await world.commit(refund("t1", 33), refund("t1", 33), refund("t1"))
    assert outcomes == [
        RefundRecorded("refunded", 11, "USD", id),
        RefundRecorded("refunded", 11, "USD", id),
        RefundRecorded("reversed", 11, "USD", id),
    ]
    (commission,) = await world.rows(Commission)
    assert (commission.amount, commission.clawed_back, commission.status) == (33, 33, "reversed")
    assert [row.refunded for row in await world.rows(Sale)] == [100]
    assert [row.amount for row in await world.rows(Refund)] == [33, 33, 34]
    assert [(row.revenue, row.earnings) for row in await world.rows(ConversionSum)] == [(0, 0)]
    assert await world.one(refund("t1")) == RefundRecorded("skipped", 0, "USD", id)
    assert await world.one(refund("t1", 5)) == RefundRecorded("skipped", 0, "USD", id)
    assert len(await world.rows(Refund)) == 3


async def test_a_refund_keeps_what_it_refunded(world: ConversionWorld) -> None:
    await world.rule()
    made = await sold(world, currency="EUR")
    await world.one(refund("t1", 250, "r1"))
    (row,) = await world.rows(Refund)
    (recorded,) = await world.rows(Sale)
    own = (row.sale_id, row.customer_id, row.partner_id, row.link_id, row.commission_id)
    assert own == (made.sale_id, recorded.customer_id, 1, 1, made.commission_id)
    assert (row.amount, row.currency, row.clawback, row.refund_id, row.status) == (250, "EUR", 50, "r1", "refunded")
    assert (row.payout_id, row.created_at) == (None, NOW + timedelta(hours=1))


async def test_a_sale_without_a_commission_can_be_refunded(world: ConversionWorld) -> None:
    await sold(world)
    assert await world.one(refund("t1", 400)) == RefundRecorded("no_commission", 0, "USD", None)
    assert await world.one(refund("t1", 0)) == RefundRecorded("no_commission", 0, "USD", None)
    assert [row.amount for row in await world.rows(Refund)] == [400, 600]
    assert await world.one(refund("t1")) == RefundRecorded("skipped", 0, "USD", None)


async def test_a_refund_needs_a_sale_of_its_program(world: ConversionWorld) -> None:
    await sold(world)
    assert await world.one(refund("t2")) == Refusal.UNKNOWN_SALE
    assert await world.one(refund("t1", program_id=2)) == Refusal.UNKNOWN_SALE


async def test_a_refund_of_more_than_is_left_is_refused(world: ConversionWorld) -> None:
    await world.rule()
    await sold(world)
    assert await world.one(refund("t1", 1001)) == Refusal.TOO_MUCH
    first, second, third = await world.commit(refund("t1", 600), refund("t1", 401), refund("t1", 400))
    assert (first.status, second, third.status) == ("refunded", Refusal.TOO_MUCH, "reversed")


async def test_a_refund_id_is_answered_as_the_first_time(world: ConversionWorld) -> None:
    await world.rule()
    await sold(world)
    first, again, other = await world.commit(refund("t1", 100, "r1"), refund("t1", 900, "r1"), refund("t1", 200, "r2"))
    assert first == again == await world.one(refund("t1", None, "r1"))
    assert (first.deducted, other.deducted) == (20, 40)
    last = await world.one(refund("t1", None, "r3"))
    assert last.status == "reversed"
    assert await world.one(refund("t1", None, "r3")) == last
    assert await world.one(refund("t1", None, "r1")) == first
    assert len(await world.rows(Refund)) == 3


async def test_a_refund_id_belongs_to_its_sale(world: ConversionWorld) -> None:
    await sold(world)
    await sold(world, transaction_id="t2")
    await world.commit(refund("t1", 1, "r1"), refund("t2", 2, "r1"))
    assert [row.amount for row in await world.rows(Refund)] == [1, 2]


@pytest.mark.parametrize(
    ("status", "after"),
    [("paid", "paid"), ("approved", "reversed"), ("rejected", "rejected"), ("pending", "reversed")],
)
async def test_a_refund_of_everything_reverses_only_what_is_not_paid(
    world: ConversionWorld, status: str, after: str
) -> None:
    await world.rule()
    await sold(world)
    async with world.store.write() as connection:
        await connection.execute(text("UPDATE commissions SET status = :status"), {"status": status})
        if status == "rejected":
            await connection.execute(text("UPDATE conversion_sums SET earnings = 0"))
            (earned,) = (await connection.execute(select(Commission.__table__))).all()
            await book_rejection(connection, earned)
    outcome = await world.one(refund())
    assert (outcome.status, outcome.deducted) == ("reversed", 200)
    (commission,) = await world.rows(Commission)
    assert (commission.status, commission.amount, commission.clawed_back) == (after, 200, 200)


async def test_a_commission_is_reversed_once_all_of_it_is_clawed_back(world: ConversionWorld) -> None:
    await world.rule(basis_points=100)
    await sold(world, 100)
    first, rest = await world.commit(refund("t1", 50), refund("t1"))
    assert (first.status, first.deducted, rest.status, rest.deducted) == ("refunded", 1, "reversed", 0)
    assert [row.status for row in await world.rows(Commission)] == ["reversed"]


async def test_a_sale_and_its_refunds_in_one_batch(world: ConversionWorld) -> None:
    await world.rule()
    click_id = await world.click()
    too_early, made, part, rest = await world.commit(
        refund("t1"), sale(click_id=click_id), refund("t1", 300, "r1"), refund("t1", None, "r2")
    )
    assert too_early == Refusal.UNKNOWN_SALE
    assert [one.deducted for one in (part, rest)] == [60, 140]
    assert {one.commission_id for one in (made, part, rest)} == {made.commission_id}
    (row,) = await world.rows(Sale)
    assert row.refunded == 1000


@pytest.mark.parametrize("seed", range(3))
async def test_random_refunds_add_up_to_the_rounded_share(world: ConversionWorld, seed: int) -> None:
    random = Random(seed)
    await world.rule(basis_points=1234)
    amounts = {f"t{n}": random.randint(1, 500) for n in range(10)}
    click_id = await world.click()
    await world.commit(*(sale(id, amount, click_id=click_id) for id, amount in amounts.items()))
    for _ in range(6):
        chosen = random.choices(list(amounts), k=12)
        await world.commit(*(refund(id, random.randint(1, 120)) for id in chosen))
    commissions = {row.sale_id: row for row in await world.rows(Commission)}
    for row in await world.rows(Sale):
        if (commission := commissions.get(row.id)) is not None:
            assert commission.clawed_back == rounded_share(commission.amount, row.refunded, row.amount)


async def test_two_gateways_refund_no_more_than_the_sale(make_postgres: MakeDatabase) -> None:
    world = await ConversionWorld.make(make_postgres())
    await world.rule(basis_points=3333)
    made = await sold(world)
    other = make_committer(world.store)
    outcomes: list[Any] = []
    for _ in range(5):
        batches = [[refund("t1", 60), refund("t1", 60)] for _ in range(2)]
        both = await asyncio.gather(world.committer.commit(batches[0]), other.commit(batches[1]))
        outcomes += [*both[0], *both[1]]
    refunded = [outcome for outcome in outcomes if isinstance(outcome, RefundRecorded)]
    assert len(refunded) == 16
    assert {outcome.commission_id for outcome in refunded} == {made.commission_id}
    assert sum(outcome.deducted for outcome in refunded) == rounded_share(333, 960, 1000)
    assert outcomes.count(Refusal.TOO_MUCH) == 4
    assert not await world.differences()
    await other.disconnect()
    await world.close()


async def test_clicks_and_conversions_of_two_gateways_meet_at_one_customer(make_postgres: MakeDatabase) -> None:
    world = await ConversionWorld.make(make_postgres())
    await world.rule()
    other = ConversionWorld(world.store, make_committer(world.store))
    click_id = await world.click(1)

    async def click_on() -> None:
        for number in range(20):
            await other.click(1 + number % 2, at=NOW + timedelta(seconds=number), click_id=click_id)

    async def buy() -> None:
        for number in range(20):
            await world.one(sale(f"t{number}", click_id=click_id, at=NOW + timedelta(hours=1)))

    await asyncio.gather(click_on(), buy())
    sales = await world.rows(Sale)
    assert len({(row.partner_id, row.link_id, row.click_event_id) for row in sales}) == 1
    customer = await world.customer(click_id)
    assert customer.last_click_at == NOW + timedelta(seconds=19)
    assert not await world.differences()
    await other.committer.disconnect()
    await world.close()
