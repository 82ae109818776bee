"""Errors other than outages that affect many clicks at once: the log has each kind once with its traceback, followed by
the number of clicks affected, and every response names the log entry."""

import asyncio
import logging

import pytest
from sqlalchemy import text

from db.ingest import faults
from db.ingest.faults import MOST_KINDS, Faults
from tests.support.captured_log import Log
from tests.support.click_apis import both_apis
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, make_link, running_gateway
from tests.support.outages import check_ready
from tests.support.unclassified_fault import unforeseen

CLICKS = 60
COUNTED_SECONDS = 0.5


@pytest.fixture(autouse=True)
def soon_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "COUNT_SECONDS", COUNTED_SECONDS)


def refusing(title: str, reason: str, *, is_sqlite: bool) -> list[str]:
    """Return statements that make the database reject events with a page title."""
    name = f"refuse_{title}"
    if is_sqlite:
        return [
            f"CREATE TRIGGER {name} BEFORE INSERT ON affiliate_click_events WHEN new.page_title = '{title}' "
            f"BEGIN SELECT RAISE(ABORT, '{reason}'); END"
        ]
    return [f"ALTER TABLE affiliate_click_events ADD CONSTRAINT {reason} CHECK (page_title <> '{title}')"]


def errors(log: Log) -> list[logging.LogRecord]:
    return [record for record in log.records if record.levelno >= logging.ERROR]


@pytest.mark.slow
@both_apis
async def test_an_error_that_affects_every_click_is_logged_once_and_counted(gateway: Gateway, log: Log) -> None:
    await gateway.link()
    fault = unforeseen("affiliate_click_events", is_sqlite=gateway.store.is_sqlite)
    await gateway.execute(text(fault.breaks))
    answers = await asyncio.gather(*(gateway.track() for _ in range(CLICKS)))
    assert {answer.status_code for answer in answers} == {500}
    (first,) = [record for record in errors(log) if record.exc_info]
    await asyncio.sleep(2 * COUNTED_SECONDS)
    assert len(errors(log)) <= 3
    told = sum(int(word) for record in errors(log) for word in record.getMessage().split() if word.isdecimal())
    assert told >= CLICKS - 1
    assert {record.__dict__["fault"] for record in errors(log)} == {first.__dict__["fault"]}
    await gateway.execute(text(fault.mends))
    await check_ready(gateway)


async def test_every_response_names_the_log_entry(gateway: Gateway, log: Log) -> None:
    await gateway.link()
    fault = unforeseen("affiliate_click_events", is_sqlite=gateway.store.is_sqlite)
    await gateway.execute(text(fault.breaks))
    answers = await asyncio.gather(*(gateway.track() for _ in range(CLICKS)))
    (first,) = [record for record in errors(log) if record.exc_info]
    assert {answer.headers["Clickgate-Fault"] for answer in answers} == {first.__dict__["fault"]}


@pytest.mark.slow
async def test_rejected_rows_are_counted_by_reason(database_url: str, log: Log) -> None:
    await make_link(database_url)
    async with running_gateway(database_url) as gateway:
        for title, reason in (("first", "reason_a"), ("second", "reason_b")):
            for statement in refusing(title, reason, is_sqlite=gateway.store.is_sqlite):
                await gateway.execute(text(statement))
        titles = ["first", "good", "second"] * 20
        answers = await asyncio.gather(*(gateway.track(page_title=title) for title in titles))
        statuses = {(title, answer.status_code) for title, answer in zip(titles, answers, strict=True)}
        assert statuses == {("first", 500), ("good", 200), ("second", 500)}
        assert await gateway.recorded() == 20
        await asyncio.sleep(2 * COUNTED_SECONDS)
    assert len(errors(log)) <= 4
    assert "first" not in "".join(record.getMessage() for record in errors(log))


async def test_a_new_kind_of_error_is_logged_among_many_of_another_kind(make_postgres: MakeDatabase, log: Log) -> None:
    url = make_postgres()
    await make_link(url)
    async with running_gateway(url) as gateway:
        for title, reason in (("first", "reason_a"), ("second", "reason_b")):
            for statement in refusing(title, reason, is_sqlite=False):
                await gateway.execute(text(statement))
        await asyncio.gather(*(gateway.track(page_title="first") for _ in range(CLICKS)))
        await gateway.track(page_title="second")
    assert [record for record in errors(log) if "reason_b" in str(record.exc_info)]


@pytest.mark.slow
async def test_the_number_of_remembered_kinds_is_bounded(log: Log) -> None:
    faults = Faults()
    kinds = [type(f"Error{number}", (Exception,), {}) for number in range(3 * MOST_KINDS)]
    for kind in kinds:
        faults.logged(kind("something"), "click")
    assert len(errors(log)) == MOST_KINDS + 1
    await asyncio.sleep(3 * COUNTED_SECONDS)
    # An error that no longer occurs is forgotten, and would be logged again.
    faults.logged(kinds[0]("something"), "click")
    assert errors(log)[-1].exc_info
