"""How leads are recorded: whose they are, and when they count."""

from datetime import timedelta

from sqlalchemy import insert, text, update

from db.ingest.conversions.records import LeadRecorded, NewLead, Refusal, SaleRecorded, Unattributed
from db.schema.commissions import Commission
from db.schema.conversions import LeadEvent
from db.schema.id_blocks import IdBlock
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from tests.support.conversion_world import DAY, NOW, ConversionWorld, lead, sale


async def counted(world: ConversionWorld) -> list[tuple[int, int]]:
    """Return the leads and sales of links 1 and 2."""
    return [(row.leads, row.sales) for row in await world.rows(ReferralLink) if row.id < 3]


async def require_servers(world: ConversionWorld) -> None:
    async with world.store.write() as connection:
        await connection.execute(update(Program).values(lead_auth="server"))


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
    log = [(row.kind, row.first_id, row.last_id, row.events) for row in await world.rows(OutboxRange)]
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
        await connection.execute(update(IdBlock).values(next_id=2000))
    await world.one(sale("t1", click_id=click_id))
    assert [row[0] for row in await counted(world)] == [100, 0]
    await world.one(sale("t2", click_id=click_id))
    assert [row[0] for row in await counted(world)] == [180, 0]


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
