"""The self-test: its verdicts, its limit, and that it leaves nothing behind but them."""

import asyncio
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from db.ingest.clicks.records import VisitRecord
from db.ingest.committer import Committer
from db.ingest.integrations.records import ChainLimit, ChainRun, NewChain
from db.schema.integrations import TestChain as StoredChain
from db.schema.tables import METADATA
from tests.support.committers import make_committer
from tests.support.conversion_world import DAY, NOW, ConversionWorld
from tests.support.databases import MakeDatabase

HOUR = timedelta(hours=1)
_numbers = count(1)


def chain(program_id: int = 1, at: datetime = NOW) -> NewChain:
    number = next(_numbers)
    return NewChain(at, program_id, f"afftest{number}", f"aff_test_{number}", VisitRecord())


async def verdicts(world: ConversionWorld, **fields: Any) -> tuple[str, ...]:
    run = await world.one(chain(**fields))
    assert isinstance(run, ChainRun)
    return run.verdict.click, run.verdict.lead, run.verdict.sale


async def contents(world: ConversionWorld) -> dict[str, list[Any]]:
    """Return all rows but those about chains."""
    async with world.store.read() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
            if table.name not in (StoredChain.__tablename__, "click_writers")
        }


async def test_a_chain_is_attributed_where_a_rule_pays_every_partner(world: ConversionWorld) -> None:
    await world.rule()
    assert await verdicts(world) == ("attributed", "attributed", "attributed")
    (row,) = await world.rows(StoredChain)
    assert (row.program_id, row.click, row.lead, row.sale) == (1, "attributed", "attributed", "attributed")


@pytest.mark.parametrize(
    ("rules", "sale"),
    [
        ([], "unattributed"),
        ([{"basis_points": 1}], "attributed"),
        ([{"kind": "fixed", "amount": 1}], "attributed"),
        ([{"basis_points": 0}], "unattributed"),
        ([{"product_id": "pro"}], "attributed"),
        ([{"product_id": "pro"}, {"basis_points": 0}], "attributed"),
        ([{"product_id": "pro", "basis_points": 0}, {"basis_points": 500}], "attributed"),
        ([{"program_id": 2}], "unattributed"),
        ([{"event": "lead", "kind": "fixed", "amount": 100}], "unattributed"),
        ([{"effective_to": NOW}], "unattributed"),
        ([{"effective_from": NOW + DAY}], "unattributed"),
        ([{"partner_id": 2}], "attributed"),
        ([{"partner_id": 1, "basis_points": 0}], "unattributed"),
        ([{"partner_id": 1, "basis_points": 0}, {"partner_id": 2}], "attributed"),
        ([{"partner_id": 1, "product_id": "pro"}], "attributed"),
        ([{"partner_id": 1, "effective_to": NOW}], "unattributed"),
        ([{"partner_id": 1}, {"basis_points": 0}], "attributed"),
        ([{"partner_id": 1, "basis_points": 0}, {"basis_points": 500}], "attributed"),
        ([{"partner_id": 1}, {"event": "lead", "kind": "fixed", "amount": 100}], "attributed"),
    ],
)
async def test_the_verdict_on_the_sale_follows_the_rules(
    world: ConversionWorld, rules: list[dict[str, Any]], sale: str
) -> None:
    for rule in rules:
        await world.rule(**rule)
    assert await verdicts(world) == ("attributed", "attributed", sale)


@pytest.mark.parametrize("named", [{}, {"partner_id": 1}, {"partner_id": 1, "product_id": "pro"}])
async def test_a_chain_leaves_every_other_table_as_it_was(world: ConversionWorld, named: dict[str, Any]) -> None:
    await world.rule(**named)
    await world.rule(event="lead", kind="fixed", amount=100)
    await world.click()
    before = await contents(world)
    for _ in range(3):
        assert await verdicts(world) == ("attributed", "attributed", "attributed")
    assert await contents(world) == before
    assert before["affiliate_click_events"]


async def test_real_records_before_and_after_a_chain_get_ids_of_their_own(world: ConversionWorld) -> None:
    click_ids = []
    for _ in range(3):
        click_ids.append(await world.click())
        await verdicts(world)
    assert len(set(click_ids)) == 3


async def test_an_eleventh_chain_within_an_hour_is_refused_until_the_first_is_an_hour_old(
    world: ConversionWorld,
) -> None:
    for minute in range(10):
        assert isinstance(await world.one(chain(at=NOW + timedelta(minutes=minute))), ChainRun)
    assert await world.one(chain(at=NOW + timedelta(minutes=20))) == ChainLimit(40 * 60)
    assert await world.one(chain(at=NOW + HOUR - timedelta(milliseconds=1))) == ChainLimit(1)
    assert isinstance(await world.one(chain(2, at=NOW + HOUR - timedelta(milliseconds=1))), ChainRun)
    assert isinstance(await world.one(chain(at=NOW + HOUR)), ChainRun)
    assert await world.one(chain(at=NOW + HOUR)) == ChainLimit(60)


async def test_a_batch_counts_its_own_chains(world: ConversionWorld) -> None:
    outcomes = await world.commit(*(chain() for _ in range(12)))
    assert [isinstance(outcome, ChainRun) for outcome in outcomes] == [True] * 10 + [False] * 2


async def test_gateways_share_the_limit(make_postgres: MakeDatabase) -> None:
    world = await ConversionWorld.make(make_postgres())
    gateways = [make_committer(world.store) for _ in range(4)]

    async def several(committer: Committer) -> int:
        return sum([isinstance((await committer.commit([chain()]))[0], ChainRun) for _ in range(4)])

    assert sum(await asyncio.gather(*map(several, gateways))) == 10
    for committer in gateways:
        await committer.disconnect()
    await world.close()


async def test_old_chains_are_forgotten_but_for_the_last_that_passed(world: ConversionWorld) -> None:
    await verdicts(world, at=NOW - 9 * DAY)
    rule = {"effective_from": NOW - 8 * DAY, "effective_to": NOW - 5 * DAY}
    await world.rule(**rule)
    for days in (7, 6, 4, 3, 2):
        await verdicts(world, at=NOW - days * DAY)
    kept = [(row.created_at, row.sale) for row in await world.rows(StoredChain)]
    assert sorted(kept) == [(NOW - 6 * DAY, "attributed"), (NOW - 2 * DAY, "unattributed")]


async def test_a_chain_whose_commit_lost_its_answer_is_found_again(world: ConversionWorld) -> None:
    await world.rule()
    sent = chain()
    run = await world.one(sent)
    recorder = next(one for one in world.committer.recorders if NewChain in one.records)
    (entry,) = recorder.pending([sent], [None])
    connection = await world.store.database.connect_writer()
    await recorder.find_committed(connection, [entry])
    await connection.close()
    assert entry.outcome == run
