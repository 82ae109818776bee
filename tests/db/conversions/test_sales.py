"""How sales are recorded: whose they are, what they earn, and that each is recorded once."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from db.engine.store import Store
from db.errors import RowRefused
from db.ingest.conversions.records import LeadRecorded, Refusal, SaleDuplicate, SaleRecorded, Unattributed
from db.ingest.writer import Writer
from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import Sale
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from gateway.metrics import WriterMetrics
from tests.support.committers import make_committer
from tests.support.conversion_world import DAY, NOW, ConversionWorld, lead, refund, sale
from tests.support.databases import MakeDatabase


async def sums(world: ConversionWorld) -> list[tuple[Any, ...]]:
    return [
        (row.program_id, row.partner_id, row.link_id, row.currency, row.revenue, row.earnings)
        for row in await world.rows(ConversionSum)
    ]


async def test_a_sale_converts_the_customer_and_earns_a_commission(world: ConversionWorld) -> None:
    rule_id = await world.rule(hold_days=30, approval="manual")
    click_id = await world.click(2)
    fields: dict[str, Any] = {
        "subscription_id": "s1",
        "subscription_interval": "monthly",
        "product_id": "pro",
        "line_items": '[{"sku": "\u00e9"}]',
        "additional_data": '{"a": null}',
    }
    made = await world.one(
        sale(amount=12_345, customer_key="u1", click_id=click_id, sale_type="subscription", is_recurring=True, **fields)
    )
    assert isinstance(made, SaleRecorded)
    customer = await world.customer(click_id)
    assert (customer.customer_status, customer.customer_key, customer.converted_at) == ("conversion", "u1", NOW)
    assert (customer.bound_at, customer.lead_at) == (NOW, None)
    (row,) = await world.rows(Sale)
    assert (row.id, row.customer_id, row.partner_id, row.link_id) == (made.sale_id, customer.id, 2, 2)
    assert (row.amount, row.currency, row.refunded, row.sale_type, row.is_recurring) == (
        *(12_345, "USD", 0, "subscription", True),
    )
    assert {name: getattr(row, name) for name in fields} == fields
    assert (row.occurred_at, row.created_at, row.click_event_id) == (NOW, NOW, customer.bound_event_id)
    (commission,) = await world.rows(Commission)
    assert (commission.id, commission.sale_id, commission.rule_id) == (made.commission_id, made.sale_id, rule_id)
    assert (commission.amount, commission.currency, commission.approval) == (2469, "USD", "manual")
    assert (commission.hold_until, commission.occurred_at) == (NOW + 30 * DAY, NOW)
    assert await sums(world) == [(1, 2, 2, "USD", 12_345, 2469)]
    assert [(row.leads, row.sales) for row in await world.rows(ReferralLink)] == [(0, 0), (0, 1), (0, 0)]


async def test_without_a_rule_there_is_no_commission(world: ConversionWorld) -> None:
    click_id = await world.click()
    made = await world.one(sale(click_id=click_id, currency="EUR"))
    assert made == SaleRecorded(made.sale_id, None)
    assert await sums(world) == [(1, 1, 1, "EUR", 1000, None)]
    assert await world.one(sale()) == SaleDuplicate(made.sale_id, None)


async def test_a_sale_needs_a_customer_of_its_program(world: ConversionWorld) -> None:
    other = await world.click(3)
    for unknown in (sale(click_id=other), sale(customer_key="u1"), sale(), sale(click_id="cust_7_7")):
        assert await world.one(unknown) == Refusal.UNKNOWN_CUSTOMER
    assert not await world.rows(Sale)


async def test_a_key_is_looked_up_before_a_click_id(world: ConversionWorld) -> None:
    first, second = await world.click(1), await world.click(2)
    await world.one(sale("t1", click_id=first, customer_key="u1"))
    await world.one(sale("t2", click_id=second, customer_key="u1"))
    await world.one(sale("t3", click_id=second, customer_key="unknown"))
    await world.one(sale("t4", customer_key="unknown"))
    await world.one(sale("t5", click_id=first, customer_key="other"))
    assert [row.customer_id for row in await world.rows(Sale)] == [1, 1, 2, 2, 1]
    assert (await world.customer(first)).customer_key == "u1"


async def test_a_transaction_id_is_recorded_once_in_a_program(world: ConversionWorld) -> None:
    await world.rule()
    click_id, other = await world.click(1), await world.click(3)
    first, again, elsewhere = await world.commit(
        sale(click_id=click_id), sale(click_id=click_id, amount=5), sale(program_id=2, click_id=other)
    )
    assert isinstance(first, SaleRecorded)
    assert again == SaleDuplicate(first.sale_id, first.commission_id)
    assert isinstance(elsewhere, SaleRecorded)
    assert await world.one(sale(customer_key="nobody")) == again
    assert len(await world.rows(Sale)) == 2


async def test_the_window_limits_sales_until_the_customer_is_bound(world: ConversionWorld) -> None:
    old, fresh = await world.click(at=NOW - 61 * DAY), await world.click(at=NOW - 60 * DAY)
    assert await world.one(sale(click_id=old)) == Unattributed(61, 60)
    assert not await world.rows(Sale)
    assert isinstance(await world.one(sale("t1", click_id=old, occurred_at=NOW - 2 * DAY)), SaleRecorded)
    outcomes = await world.commit(sale("t2", click_id=old), sale("t3", click_id=fresh))
    assert all(isinstance(outcome, SaleRecorded) for outcome in outcomes)
    renewal = await world.one(sale("t4", click_id=fresh, at=NOW + 400 * DAY))
    assert isinstance(renewal, SaleRecorded)


async def test_a_sale_from_before_its_click_is_refused(world: ConversionWorld) -> None:
    click_id = await world.click(at=NOW - DAY)
    early = sale(click_id=click_id, occurred_at=NOW - DAY - timedelta(microseconds=1))
    assert await world.one(early) == Refusal.BEFORE_CLICK
    assert isinstance(await world.one(sale(click_id=click_id, occurred_at=NOW - DAY)), SaleRecorded)
    await world.click(at=NOW, click_id=click_id)
    back_filled = sale("t2", click_id=click_id, occurred_at=NOW - timedelta(hours=1))
    assert isinstance(await world.one(back_filled), SaleRecorded)
    assert await world.one(sale("t3", click_id=click_id, occurred_at=NOW - 2 * DAY)) == Refusal.BEFORE_CLICK


async def test_a_back_filled_sale_happened_when_its_sender_says(world: ConversionWorld) -> None:
    old = await world.rule(basis_points=1000, effective_to=NOW - 10 * DAY)
    await world.rule(basis_points=3000, effective_from=NOW - 10 * DAY)
    click_id = await world.click(at=NOW - 30 * DAY)
    moments = (NOW - 10 * DAY - timedelta(seconds=1), NOW - 10 * DAY)
    await world.commit(*(sale(f"t{n}", click_id=click_id, occurred_at=at) for n, at in enumerate(moments)))
    commissions = await world.rows(Commission)
    assert [row.amount for row in commissions] == [100, 300]
    assert commissions[0].rule_id == old
    assert [row.hold_until for row in commissions] == [at + 15 * DAY for at in moments]
    customer = await world.customer(click_id)
    assert (customer.converted_at, customer.bound_at, customer.updated_at) == (moments[0], moments[0], NOW)


async def test_a_fixed_commission_has_the_rules_currency(world: ConversionWorld) -> None:
    await world.rule(kind="fixed", amount=700, currency="EUR")
    click_id = await world.click()
    await world.one(sale(click_id=click_id, currency="JPY"))
    (commission,) = await world.rows(Commission)
    assert (commission.amount, commission.currency) == (700, "EUR")
    assert await sums(world) == [(1, 1, 1, "EUR", None, 700), (1, 1, 1, "JPY", 1000, None)]
    await world.commit(sale("t2", click_id=click_id, currency="EUR"), refund("t1"), refund("t2"))
    assert await sums(world) == [(1, 1, 1, "EUR", 0, 0), (1, 1, 1, "JPY", 0, None)]


async def test_many_conversions_of_one_customer_take_one_batch(world: ConversionWorld) -> None:
    await world.rule()
    click_id = await world.click()
    outcomes = await world.commit(*(sale(f"t{n}", click_id=click_id) for n in range(300)))
    assert len({outcome.sale_id for outcome in outcomes}) == 300
    assert await sums(world) == [(1, 1, 1, "USD", 300_000, 60_000)]
    (row,) = [row for row in await world.rows(OutboxRange) if row.kind == "sale"]
    assert (row.events, row.last_id - row.first_id) == (300, 299)


async def test_the_outbox_has_a_range_for_each_program(world: ConversionWorld) -> None:
    clicks = {1: await world.click(1), 2: await world.click(3)}
    batch = [sale(f"t{n}", program_id=1 + n % 2, click_id=clicks[1 + n % 2]) for n in range(6)]
    refused = sale("no")
    await world.commit(*batch[:4], refused, *batch[4:])
    ranges = [row for row in await world.rows(OutboxRange) if row.kind == "sale"]
    assert sorted((row.program_id, row.first_id, row.last_id, row.events) for row in ranges) == [
        *((1, 1, 3, 2), (1, 6, 6, 1), (2, 2, 4, 2), (2, 7, 7, 1)),
    ]


async def test_one_refused_row_fails_alone(world: ConversionWorld) -> None:
    await world.rule()
    click_id = await world.click()
    batch = [
        sale("t1", click_id=click_id),
        sale("t2", click_id=click_id, currency="TOO LONG" if not world.store.is_sqlite else "USD", amount=-1),
        sale("t3", click_id=click_id),
        sale("\ud800", click_id=click_id),
        refund("t1", 400),
        lead(click_id),
    ]
    good, refused, also, unreadable, refunded, no_lead = await world.commit(*batch)
    assert isinstance(good, SaleRecorded)
    assert isinstance(also, SaleRecorded)
    assert isinstance(refused, RowRefused)
    assert isinstance(unreadable, Exception)
    assert refunded.deducted == 80
    assert no_lead == Refusal.ALREADY_CONVERTED
    assert len(await world.rows(Sale)) == 2
    assert await sums(world) == [(1, 1, 1, "USD", 1600, 320)]


async def test_a_text_with_a_nul_fails_alone(world: ConversionWorld) -> None:
    click_id = await world.click()
    outcomes = await world.commit(sale("t1", click_id=click_id), sale("a\0b" * 300, click_id=click_id))
    assert isinstance(outcomes[0], SaleRecorded)


async def test_two_gateways_record_one_sale_of_a_hundred_with_one_transaction_id(make_postgres: MakeDatabase) -> None:
    world = await ConversionWorld.make(make_postgres())
    await world.rule()
    click_ids = [await world.click(1), await world.click(2)]
    stores = [Store(world.store.url.render_as_string(hide_password=False)) for _ in range(2)]
    writers = [Writer(make_committer(store), queue_size=200, observer=WriterMetrics()) for store in stores]
    for writer in writers:
        writer.start()
    # Of two customers, so that the gateways do not meet at the customer's row.
    outcomes = await asyncio.gather(
        *(writers[n % 2].record(sale("same", click_id=click_ids[n % 2], customer_key="k")) for n in range(100))
    )
    for writer, store in zip(writers, stores, strict=True):
        await writer.close()
        await store.close()
    (recorded,) = [outcome for outcome in outcomes if isinstance(outcome, SaleRecorded)]
    duplicate = SaleDuplicate(recorded.sale_id, recorded.commission_id)
    assert [outcome for outcome in outcomes if outcome != recorded] == [duplicate] * 99
    assert len(await world.rows(Sale)) == 1
    assert not await world.differences()
    await world.close()


async def test_two_gateways_give_one_key_to_one_customer(make_postgres: MakeDatabase) -> None:
    world = await ConversionWorld.make(make_postgres())
    other = make_committer(world.store)
    click_ids = [[await world.click(1) for _ in range(20)] for _ in range(2)]
    batches = [[lead(click_id, customer_key=f"u{n}") for n, click_id in enumerate(ids)] for ids in click_ids]
    both = await asyncio.gather(world.committer.commit(batches[0]), other.commit(batches[1][::-1]))
    assert all(isinstance(outcome, LeadRecorded) for outcomes in both for outcome in outcomes)
    async with world.store.read() as connection:
        keys = select(text("count(*), count(DISTINCT customer_key)")).select_from(text("customers"))
        assert tuple((await connection.execute(keys.where(text("customer_key IS NOT NULL")))).one()) == (20, 20)
    assert not await world.differences()
    await other.disconnect()
    await world.close()
