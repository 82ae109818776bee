"""How leads are recorded: whose they are, and when they count."""

from datetime import timedelta

from sqlalchemy import text

from db.ingest.conversions.records import LeadRecorded, Refusal, SaleRecorded, Unattributed
from db.schema.commissions import Commission
from db.schema.conversions import LeadEvent
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import PartnerProgram
from tests.support.click_ids import number
from tests.support.conversion_world import DAY, NOW, ConversionWorld, counted, lead, sale


async def test_a_lead_binds_the_customer_and_is_counted(world: ConversionWorld) -> None:
    click_id = await world.click(2)
    outcome = await world.one(
        lead(click_id, program_id=None, customer_key="u1", email_digest="d", email_mask="a***@example.com")
    )
    assert outcome == LeadRecorded(1, is_provisional=False)
    customer = await world.customer(click_id)
    assert (customer.customer_status, customer.partner_id, customer.link_id) == ("lead", 2, 2)
    assert (customer.customer_key, customer.email_digest, customer.email_mask) == ("u1", "d", "a***@example.com")
    assert (customer.bound_at, customer.lead_at, customer.converted_at, customer.updated_at) == (NOW, NOW, None, NOW)
    (row,) = await world.rows(LeadEvent)
    assert (row.partner_id, row.link_id, row.click_event_id, row.confirmed_at) == (2, 2, customer.bound_event_id, NOW)
    assert await counted(world) == [(0, 0), (1, 0)]
    assert [row.leads for row in await world.rows(PartnerProgram)] == [0, 1, 0]
    log = [(row.kind, number(row.first_id), number(row.last_id), row.events) for row in await world.rows(OutboxRange)]
    assert log == [("click", 1, 1, 1), ("lead", 1, 1, 1)]


async def test_a_lead_needs_a_customer_of_the_tokens_program(world: ConversionWorld) -> None:
    other = await world.click(3)
    own = await world.click(1)
    unknown = Refusal.UNKNOWN_CUSTOMER
    assert await world.one(lead("cust_99_1", "nonsense", "")) == unknown
    assert await world.one(lead("cust_99_1", program_id=None)) == unknown
    assert await world.one(lead(own + "0")) == unknown
    assert await world.one(lead(customer_key="u1")) == unknown
    assert await world.one(lead(customer_key="u1", program_id=None)) == unknown
    assert await world.one(lead(other)) == Refusal.OTHER_PROGRAM
    assert await world.one(lead("cust_99_1", other, own)) == Refusal.OTHER_PROGRAM
    assert not await world.rows(LeadEvent)
    assert isinstance(await world.one(lead("cust_99_1", own, other)), LeadRecorded)
    assert isinstance(await world.one(lead("cust_99_1", other, program_id=None)), LeadRecorded)
    assert [(row.program_id, row.customer_id) for row in await world.rows(LeadEvent)] == [(1, 2), (2, 1)]


async def test_another_programs_customer_is_refused_whoever_else_is_in_the_batch(world: ConversionWorld) -> None:
    other, own = await world.click(3), await world.click(1)
    others = (lead(other, program_id=2), sale(program_id=2, click_id=other), lead(other, program_id=None))
    for beside in others:
        for foreign in (lead(other), lead(other, own)):
            for batch in ((beside, foreign), (foreign, beside)):
                outcomes = await world.commit(*batch)
                assert outcomes[batch.index(foreign)] == Refusal.OTHER_PROGRAM
    assert {row.program_id for row in await world.rows(LeadEvent)} == {2}


async def test_a_known_key_beats_a_click_id(world: ConversionWorld) -> None:
    first, second = await world.click(1), await world.click(2)
    await world.one(lead(first, customer_key="u1"))
    outcomes = await world.commit(
        lead(second, customer_key="u1", event_name="trial", program_id=None), lead(second, customer_key="u2")
    )
    assert all(isinstance(outcome, LeadRecorded) for outcome in outcomes)
    assert [(row.customer_id, row.event_name) for row in await world.rows(LeadEvent)] == [
        (1, "signup"),
        (1, "trial"),
        (2, "signup"),
    ]
    assert (await world.customer(second)).customer_key == "u2"
    assert isinstance(await world.one(lead(customer_key="u1", event_name="demo")), LeadRecorded)
    assert (await world.rows(LeadEvent))[-1].customer_id == 1


async def test_a_key_given_in_a_batch_names_the_customer_from_then_on(world: ConversionWorld) -> None:
    first, second = await world.click(1), await world.click(2)
    batch = [
        sale("t0", customer_key="u1"),
        lead(first, customer_key="u1"),
        sale("t1", customer_key="u1"),
        lead(second, customer_key="u1", event_name="again"),
    ]
    refused, recorded, bought, converted = await world.commit(*batch)
    assert refused == Refusal.UNKNOWN_CUSTOMER
    assert isinstance(recorded, LeadRecorded)
    assert isinstance(bought, SaleRecorded)
    assert converted == Refusal.ALREADY_CONVERTED
    assert (await world.customer(second)).customer_status == "click"


async def test_a_lead_of_a_known_name_is_recorded_once(world: ConversionWorld) -> None:
    click_id = await world.click()
    first, again = await world.commit(lead(click_id), lead(click_id))
    assert first == LeadRecorded(first.lead_id, is_provisional=False)
    assert again == LeadRecorded(first.lead_id, is_provisional=False, is_known=True)
    assert await world.one(lead(click_id)) == again
    assert isinstance(await world.one(lead(click_id, event_name="trial")), LeadRecorded)
    assert await counted(world) == [(2, 0), (0, 0)]


async def test_a_customer_who_converted_is_no_lead(world: ConversionWorld) -> None:
    click_id = await world.click()
    await world.one(lead(click_id, event_name="early"))
    _, refused = await world.commit(sale(click_id=click_id), lead(click_id))
    assert refused == Refusal.ALREADY_CONVERTED
    assert await world.one(lead(click_id, event_name="early")) == Refusal.ALREADY_CONVERTED
    assert (await world.customer(click_id)).customer_status == "conversion"


async def test_the_window_limits_leads_until_the_customer_is_bound(world: ConversionWorld) -> None:
    old = await world.click(at=NOW - 75 * DAY)
    assert await world.one(lead(old)) == Unattributed(75, 60)
    assert await world.one(lead(old, program_id=None)) == Unattributed(75, 60)
    assert not await world.rows(LeadEvent)
    await world.click(2, at=NOW - DAY, click_id=old)
    assert isinstance(await world.one(lead(old)), LeadRecorded)
    late = lead(old, event_name="late", at=NOW + 500 * DAY)
    assert isinstance(await world.one(late), LeadRecorded)
    assert await counted(world) == [(0, 0), (2, 0)]


async def test_later_clicks_of_a_bound_customer_leave_its_partner(world: ConversionWorld) -> None:
    click_id = await world.click(1)
    await world.one(lead(click_id))
    later = NOW + timedelta(hours=2)
    await world.click(2, at=later, click_id=click_id)
    customer = await world.customer(click_id)
    assert (customer.partner_id, customer.link_id, customer.last_click_at) == (1, 1, later)
    assert [row.clicks for row in await world.rows(ReferralLink)] == [1, 1, 0]
    await world.one(sale(click_id=click_id, at=later + DAY))
    assert await counted(world) == [(1, 1), (0, 0)]


async def test_a_lead_commission_needs_a_rule_for_leads(world: ConversionWorld) -> None:
    await world.rule()
    await world.rule(event="lead", kind="fixed", amount=250, duration_months=0)
    await world.rule(event="lead", kind="fixed", amount=900, product_id="pro")
    click_id = await world.click()
    await world.commit(lead(click_id), lead(click_id, event_name="second"))
    (commission,) = await world.rows(Commission)
    assert (commission.amount, commission.status, commission.hold_until) == (250, "pending", NOW + 15 * DAY)
    async with world.store.read() as connection:
        sums = (await connection.execute(text("SELECT revenue, earnings, currency FROM conversion_sums"))).all()
    assert [tuple(row) for row in sums] == [(None, 250, "USD")]
