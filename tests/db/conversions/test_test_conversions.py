"""Leads and sales in test mode, which count nowhere."""

from db.ingest.conversions.records import TestConversion
from db.schema.conversions import ConversionTestEvent
from db.schema.outbox import OutboxRange
from tests.support.conversion_world import NOW, ConversionWorld


async def test_a_test_conversion_is_kept_as_it_was_sent(world: ConversionWorld) -> None:
    body = '{"transaction_id": 5, "name": "\u00e9"}'
    ids = await world.commit(TestConversion(NOW, 1, "sale", body), TestConversion(NOW, None, "lead", "{}"))
    rows = [tuple(row) for row in await world.rows(ConversionTestEvent)]
    assert rows == [(ids[0], 1, "sale", body, NOW), (ids[1], None, "lead", "{}", NOW)]
    assert not await world.rows(OutboxRange)


async def test_a_refused_test_conversion_fails_alone(world: ConversionWorld) -> None:
    bad = TestConversion(NOW, 1, "sale", "\ud800")
    good, refused, also = await world.commit(
        TestConversion(NOW, 1, "sale", "{}"), bad, TestConversion(NOW, 1, "lead", "{}")
    )
    assert isinstance(good, int)
    assert isinstance(refused, Exception)
    assert isinstance(also, int)
    assert len(await world.rows(ConversionTestEvent)) == 2


async def test_a_probe_records_nothing(world: ConversionWorld) -> None:
    await world.rule()
    await world.click()
    await world.committer.probe()
    assert not await world.rows(ConversionTestEvent)
    assert [row.kind for row in await world.rows(OutboxRange)] == ["click"]
