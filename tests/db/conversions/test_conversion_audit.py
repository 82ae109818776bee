"""The audit of conversions, and other processes that read the outbox beside them."""

import pytest
from sqlalchemy import text

from db.outbox.consumers import add_consumer
from db.rollups.aggregator import RollupAggregator
from db.schema.outbox import OutboxRange
from tests.support.conversion_world import NOW, ConversionWorld, lead, refund, sale
from tests.support.databases import MakeDatabase
from tests.support.report_world import aggregation

DAMAGE = {
    "a link's leads": "UPDATE referral_links SET leads = leads + 1 WHERE id = 1",
    "a link's sales": "UPDATE referral_links SET sales = 0 WHERE id = 1",
    "a membership's leads": "UPDATE partner_programs SET leads = leads + 1 WHERE program_id = 1 AND partner_id = 1",
    "a membership's sales": "UPDATE partner_programs SET sales = sales + 1 WHERE program_id = 1 AND partner_id = 1",
    "revenue": "UPDATE conversion_sums SET revenue = revenue + 1 WHERE link_id = 1",
    "earnings": "UPDATE conversion_sums SET earnings = earnings - 1 WHERE link_id = 1",
    "a sum that is gone": "DELETE FROM conversion_sums WHERE link_id = 1",
    "a sum of nothing": "INSERT INTO conversion_sums VALUES (1, 2, 2, 'EUR', 5, 0)",
    "a sale's refunds": "UPDATE affiliate_sales SET refunded = refunded + 1",
    "a refund": "UPDATE affiliate_refunds SET amount = amount + 1",
    "a refund's clawback": "UPDATE affiliate_refunds SET clawback = clawback + 1",
    "clawbacks": "UPDATE commissions SET clawed_back = clawed_back + 1 WHERE sale_id IS NOT NULL",
    "a commission": "UPDATE commissions SET amount = amount + 1 WHERE sale_id IS NOT NULL",
    "a lead's commission": "UPDATE commissions SET amount = amount + 1 WHERE lead_id IS NOT NULL",
    "a commission's currency": "UPDATE commissions SET currency = 'EUR'",
    "a commission's partner": "UPDATE commissions SET partner_id = 2",
    "a commission's time": "UPDATE commissions SET occurred_at = created_at, hold_until = created_at",
    "a commission's rule": "UPDATE commissions SET rule_id = 3",
    "a commission's approval": "UPDATE commissions SET approval = 'manual'",
    "a commission that was reversed": "UPDATE commissions SET status = 'reversed'",
    "a rule": "UPDATE commission_rules SET basis_points = 2100 WHERE id = 1",
    "a status": "UPDATE customers SET customer_status = 'lead'",
    "a customer without its sale's binding": "UPDATE customers SET bound_at = NULL",
    "a bound partner": "UPDATE customers SET partner_id = 2, link_id = 2",
    "a range of sales": "UPDATE outbox_ranges SET events = events + 1 WHERE kind = 'sale'",
    "ids that are given again": "UPDATE id_blocks SET next_id = 1 WHERE name = 'commissions'",
}


async def record(world: ConversionWorld) -> None:
    await world.rule()
    await world.rule(event="lead", kind="fixed", amount=50)
    await world.rule(program_id=2)
    click_id = await world.click()
    await world.commit(lead(click_id), sale(click_id=click_id, occurred_at=NOW.replace(hour=11)), refund("t1", 300))


@pytest.mark.parametrize("damage", DAMAGE)
async def test_the_audit_detects(database_url: str, damage: str) -> None:
    world = await ConversionWorld.make(database_url)
    await record(world)
    assert not await world.differences()
    async with world.store.write() as connection:
        await connection.execute(text(DAMAGE[damage]))
    assert await world.differences()
    await world.close()


async def test_a_large_commission_is_audited_exactly(world: ConversionWorld) -> None:
    await world.rule(basis_points=9999)
    click_id = await world.click()
    await world.one(sale(amount=10**12, click_id=click_id))
    await world.one(refund("t1", 10**12 - 7))


@pytest.mark.slow
async def test_a_consumer_of_clicks_passes_conversions(world: ConversionWorld) -> None:
    await record(world)
    await add_consumer(world.store, RollupAggregator(world.store))
    runner = aggregation(world.store)
    await runner.run_all()
    await record_more(world)
    await runner.run_all()
    await runner.close()


async def record_more(world: ConversionWorld) -> None:
    click_id = await world.click(2)
    await world.commit(sale("t2", click_id=click_id), lead(click_id), refund("t2"))


class Everything:
    """A consumer of all kinds."""

    name = "everything"
    kinds = frozenset({"click", "lead", "sale", "refund"})
    lists_at_once = False

    async def prepare(self, connection: object, ranges: object) -> object:
        raise NotImplementedError

    async def reset(self, connection: object) -> None:
        return None


async def test_a_new_consumer_is_given_all_conversions_but_provisional_leads(make_sqlite: MakeDatabase) -> None:
    world = await ConversionWorld.make(make_sqlite())
    await record(world)
    async with world.store.write() as connection:
        await connection.execute(text("UPDATE affiliate_programs SET lead_auth = 'server'"))
    other = await world.click()
    provisional, *_ = await world.commit(lead(other, program_id=None), lead(other, event_name="trial"))
    await add_consumer(world.store, Everything())  # type: ignore[arg-type]  # it is never run
    ranges = [(row.kind, row.first_id, row.last_id) for row in await world.rows(OutboxRange) if row.consumer]
    assert ("lead", provisional.lead_id, provisional.lead_id) not in ranges
    assert sorted(ranges) == [("click", 1, 2), ("lead", 1, 1), ("lead", 3, 3), ("refund", 1, 1), ("sale", 1, 1)]
    assert not await world.differences()
    await world.close()
