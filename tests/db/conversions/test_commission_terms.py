"""Which rule a sale is paid by, and for how long."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from db.schema.commissions import Commission
from tests.support.conversion_world import DAY, NOW, ConversionWorld, sale


@pytest.mark.slow
async def test_the_most_specific_rule_of_the_bound_partner_counts(world: ConversionWorld) -> None:
    await world.rule(basis_points=100)
    await world.rule(basis_points=200, product_id="pro")
    await world.rule(basis_points=300, partner_id=2)
    await world.rule(basis_points=400, partner_id=2, product_id="pro")
    await world.rule(basis_points=9000, program_id=2)
    first, second = await world.click(1), await world.click(2)
    await world.commit(
        sale("t1", click_id=first),
        sale("t2", click_id=first, product_id="pro"),
        sale("t3", click_id=second, product_id="basic"),
        sale("t4", click_id=second, product_id="pro"),
    )
    assert [row.amount for row in await world.rows(Commission)] == [10, 20, 30, 40]


async def test_a_duration_of_zero_months_pays_the_first_sale_only(world: ConversionWorld) -> None:
    await world.rule(duration_months=0)
    click_id = await world.click()
    outcomes = await world.commit(*(sale(f"t{n}", click_id=click_id) for n in range(3)))
    outcomes = [*outcomes, await world.one(sale("t9", click_id=click_id))]
    assert [outcome.commission_id is not None for outcome in outcomes] == [True, False, False, False]


async def test_a_duration_in_months_begins_with_the_first_commission(world: ConversionWorld) -> None:
    await world.rule(duration_months=2)
    click_id = await world.click(at=NOW)
    end = NOW.replace(month=7)

    async def earns(transaction_id: str, at: Any) -> bool:
        made = await world.one(sale(transaction_id, click_id=click_id, at=at))
        return made.commission_id is not None

    assert await earns("t1", NOW)
    assert await earns("t2", end - timedelta(seconds=1))
    assert not await earns("t3", end)
    batch = (sale("t4", click_id=click_id, at=end - DAY), sale("t5", click_id=click_id, at=end))
    assert [made.commission_id is not None for made in await world.commit(*batch)] == [True, False]


async def test_a_duration_is_judged_by_a_commission_of_the_same_batch(world: ConversionWorld) -> None:
    await world.rule(duration_months=1)
    click_id = await world.click(at=NOW)
    batch = [sale(f"t{days}", click_id=click_id, at=NOW + days * DAY) for days in (0, 29, 31)]
    assert [made.commission_id is not None for made in await world.commit(*batch)] == [True, True, False]


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_months_are_counted_in_utc_whatever_the_senders_offset(
    world: ConversionWorld, in_one_batch: bool
) -> None:
    await world.rule(duration_months=1)
    click_id = await world.click(at=NOW - 40 * DAY)
    east = timezone(timedelta(hours=14))
    # 31 March in UTC, but 1 April in the east: a month later is 30 April, and not 1 May.
    first = sale("t1", click_id=click_id, occurred_at=datetime(2026, 4, 1, 1, tzinfo=east))
    second = sale("t2", click_id=click_id, occurred_at=datetime(2026, 5, 1, 1, tzinfo=east))
    third = sale("t3", click_id=click_id, occurred_at=datetime(2026, 5, 1, 0, 59, tzinfo=east))
    batches = [[first, second, third]] if in_one_batch else [[first], [second], [third]]
    outcomes = [outcome for batch in batches for outcome in await world.commit(*batch)]
    assert [outcome.commission_id is not None for outcome in outcomes] == [True, False, True]
