"""Provisional leads: those that a browser sends where the program wants servers to confirm them."""

from datetime import timedelta

from sqlalchemy import insert, update

from db.ingest.conversions.records import LeadRecorded, NewLead, Refusal, SaleRecorded
from db.ingest.id_blocks import LEADS
from db.schema.commissions import Commission
from db.schema.conversions import LeadEvent
from db.schema.id_blocks import IdBlock
from db.schema.outbox import OutboxRange
from db.schema.programs import Program
from tests.support.conversion_world import DAY, NOW, ConversionWorld, counted, lead, sale


async def require_servers(world: ConversionWorld) -> None:
    async with world.store.write() as connection:
        await connection.execute(update(Program).values(lead_auth="server"))


async def test_a_provisional_lead_changes_nothing(world: ConversionWorld) -> None:
    await require_servers(world)
    click_id = await world.click()
    first, again = await world.commit(
        lead(click_id, program_id=None, customer_key="u1", email_digest="d"), lead(click_id, program_id=None)
    )
    assert first == LeadRecorded(first.lead_id, is_provisional=True)
    assert again == LeadRecorded(first.lead_id, is_provisional=True, is_known=True)
    customer = await world.customer(click_id)
    assert (customer.customer_status, customer.customer_key, customer.email_digest) == ("click", None, None)
    assert (customer.bound_at, customer.updated_at) == (None, None)
    assert await counted(world) == [(0, 0), (0, 0)]
    assert [row.kind for row in await world.rows(OutboxRange)] == ["click"]


async def test_a_server_lead_confirms_the_provisional_one_of_its_name(world: ConversionWorld) -> None:
    await require_servers(world)
    await world.rule(event="lead", kind="fixed", amount=300)
    click_id = await world.click(1)
    provisional = await world.one(lead(click_id, program_id=None))
    await world.one(lead(click_id, program_id=None, event_name="trial"))
    await world.click(2, at=NOW - timedelta(hours=1), click_id=click_id)
    confirmed = await world.one(lead(click_id, at=NOW + DAY))
    assert confirmed == LeadRecorded(provisional.lead_id, is_provisional=False)
    signup, trial = await world.rows(LeadEvent)
    assert (signup.partner_id, signup.link_id, signup.confirmed_at) == (2, 2, NOW + DAY)
    assert (signup.created_at, trial.confirmed_at) == (NOW, None)
    assert await counted(world) == [(0, 0), (1, 0)]
    (commission,) = await world.rows(Commission)
    assert (commission.partner_id, commission.lead_id, commission.amount) == (2, signup.id, 300)
    assert (await world.rows(OutboxRange))[-1].first_id == signup.id


async def test_a_sale_confirms_all_provisional_leads(world: ConversionWorld) -> None:
    await require_servers(world)
    await world.rule(event="lead", kind="fixed", amount=300)
    await world.rule()
    click_id = await world.click(1)
    await world.one(lead(click_id, program_id=None))
    *_, outcome = await world.commit(lead(click_id, program_id=None, event_name="trial"), sale(click_id=click_id))
    assert isinstance(outcome, SaleRecorded)
    assert [row.confirmed_at for row in await world.rows(LeadEvent)] == [NOW, NOW]
    assert await counted(world) == [(2, 1), (0, 0)]
    commissions = await world.rows(Commission)
    assert sorted((row.amount, row.lead_id is not None) for row in commissions) == [
        (200, False),
        (300, True),
        (300, True),
    ]
    assert outcome.commission_id in {row.id for row in commissions if row.sale_id}
    assert len({row.id for row in commissions}) == 3


async def test_a_server_lead_of_another_name_leaves_a_provisional_one(world: ConversionWorld) -> None:
    await require_servers(world)
    click_id = await world.click(1)
    await world.one(lead(click_id, program_id=None, event_name="trial"))
    await world.one(lead(click_id))
    assert [row.confirmed_at for row in await world.rows(LeadEvent)] == [None, NOW]
    await world.one(lead(click_id, event_name="trial", at=NOW + DAY))
    assert [row.confirmed_at for row in await world.rows(LeadEvent)] == [NOW + DAY, NOW]


async def test_a_customer_has_no_more_provisional_leads_than_a_sale_confirms(world: ConversionWorld) -> None:
    await require_servers(world)
    click_id = await world.click(1)

    def unproved(*numbers: int) -> list[NewLead]:
        return [lead(click_id, program_id=None, event_name=f"e{number}") for number in numbers]

    outcomes = [*await world.commit(*unproved(*range(90))), *await world.commit(*unproved(*range(90, 120)))]
    assert outcomes[100:] == [Refusal.TOO_MANY_LEADS] * 20
    assert await world.one(*unproved(5)) == LeadRecorded(outcomes[5].lead_id, is_provisional=True, is_known=True)
    # One that is confirmed makes room, within a batch, too.
    _, added, refused = await world.commit(lead(click_id, event_name="e7"), *unproved(200, 201))
    assert isinstance(added, LeadRecorded)
    assert refused == Refusal.TOO_MANY_LEADS
    assert isinstance(await world.one(lead(click_id, event_name="proved")), LeadRecorded)
    await world.one(sale("t1", click_id=click_id))
    assert all(row.confirmed_at for row in await world.rows(LeadEvent))
    assert [row[0] for row in await counted(world)] == [102, 0]
    assert await world.differences() == []


async def test_further_sales_confirm_what_was_recorded_before_the_limit(world: ConversionWorld) -> None:
    await require_servers(world)
    click_id = await world.click(1)
    rows = [
        {"program_id": 1, "id": 1000 + n, "customer_id": 1, "event_name": f"e{n}", "created_at": NOW}
        for n in range(180)
    ]
    async with world.store.write() as connection:
        await connection.execute(insert(LeadEvent), rows)
        await connection.execute(update(IdBlock).where(IdBlock.name == LEADS).values(next_id=2000))
    await world.one(sale("t1", click_id=click_id))
    assert [row[0] for row in await counted(world)] == [100, 0]
    await world.one(sale("t2", click_id=click_id))
    assert [row[0] for row in await counted(world)] == [180, 0]
