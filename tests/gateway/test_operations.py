"""A running gateway from an operator's point of view: health, metrics, the OpenAPI document, the log, a full queue."""

import asyncio
import json
import logging
import os
import signal
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import httpx
import pytest
from sqlalchemy import text
from starlette.types import ASGIApp
from websockets import InvalidStatus, Origin

from db.engine.store import Store
from db.errors import WriterQueueFull
from db.ingest.clicks.records import Click, VisitRecord
from db.ingest.writer import Writer
from db.schema.visit_fields import SENT_FIELDS
from gateway import graphql
from gateway.configuration.settings import Settings
from gateway.health import PROBE_INTERVAL_SECONDS
from gateway.metrics import WriterMetrics
from gateway.rate_limit import limiter
from graph.domain.errors import RateLimited
from tests.support.click_load import Load
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, make_link, running_gateway
from tests.support.graphql_sockets import opened
from tests.support.processes import COMMAND, clickgate, environment, free_port, serving
from tests.support.unclassified_fault import unforeseen


async def test_a_running_gateway_is_live_and_ready(gateway: Gateway) -> None:
    assert (await gateway.http.get("/healthz")).status_code == 200
    ready = await gateway.http.get("/readyz")
    assert ready.status_code == 200
    assert body_of(ready) == {"status": "ready", "database": "ok", "queue": "ok"}


@pytest.mark.slow
async def test_a_gateway_with_a_locked_database_is_not_ready(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    locking = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    async with running_gateway(url) as gateway:
        assert (await gateway.http.get("/readyz")).status_code == 200
        locking.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(PROBE_INTERVAL_SECONDS)
        answer = await gateway.http.get("/readyz")
        assert answer.status_code == 503
        assert body_of(answer) == {"status": "not ready", "database": "away", "queue": "ok"}
        locking.rollback()
        await asyncio.sleep(PROBE_INTERVAL_SECONDS)
        assert (await gateway.http.get("/readyz")).status_code == 200
    locking.close()


async def test_a_query_waits_for_the_schema_and_a_click_does_not(
    make_sqlite: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, may_make = graphql._view, Event()

    def made_late(settings: Settings) -> ASGIApp:
        may_make.wait()
        return make(settings)

    monkeypatch.setattr(graphql, "_view", made_late)
    async with running_gateway(make_sqlite()) as running:
        await running.link()
        query = asyncio.create_task(running.graphql("{ __typename }"))
        assert (await running.track()).status_code == 200
        assert not query.done()
        may_make.set()
        assert (await query)["data"] == {"__typename": "Query"}


@pytest.mark.slow
def test_a_gateway_that_cannot_build_its_schema_reports_it_and_stops(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    (tmp_path / "strawberry.py").write_text("raise ImportError('it is broken')")
    command = [str(COMMAND), "serve", "--port", str(free_port())]
    modules = environment(make_sqlite()) | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=modules, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "it is broken" in done.stderr


async def test_clicks_are_counted_by_outcome(gateway: Gateway) -> None:
    async def counted(outcome: str) -> float:
        lines = (await gateway.http.get("/metrics")).text.splitlines()
        name = f'clickgate_clicks_total{{outcome="{outcome}"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    await gateway.link()
    before = [await counted(outcome) for outcome in ("recorded", "unknown_link", "test")]
    await gateway.track()
    await gateway.track("NOBODY")
    await gateway.track(None, additional_data={"test_mode": True})
    after = [await counted(outcome) for outcome in ("recorded", "unknown_link", "test")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]


async def test_the_openapi_document_has_every_field_and_response(gateway: Gateway) -> None:
    document = body_of(await gateway.http.get("/openapi.json"))
    assert document["openapi"] == "3.1.0"
    operation = document["paths"]["/api/v1/track/click"]["post"]
    assert set(operation["responses"]) == {"200", "400", "413", "415", "429", "500", "503"}
    visit = document["components"]["schemas"]["Visit"]["properties"]
    assert list(visit) == [field.name for field in SENT_FIELDS]
    assert all("description" in field for field in visit.values())


async def test_the_openapi_document_has_the_endpoints_that_merchants_integrate_with(gateway: Gateway) -> None:
    paths = body_of(await gateway.http.get("/openapi.json"))["paths"]
    statuses = {
        ("/api/v1/cli/test-event", "post"): {"200", "400", "401", "413", "415", "429", "500", "503"},
        ("/api/v1/programs/me/readiness", "get"): {"200", "401", "429", "500", "503"},
        ("/api/v1/cli/status", "get"): {"200", "400", "401", "404", "429", "500", "503"},
    }
    for (path, method), expected in statuses.items():
        assert list(paths[path]) == [method]
        assert set(paths[path][method]["responses"]) == expected
        assert paths[path][method]["security"] == [{"bearerToken": []}]
        assert ("requestBody" in paths[path][method]) == (method == "post")
    limited = paths["/api/v1/cli/test-event"]["post"]["responses"]["429"]["content"]["application/json"]["schema"]
    assert limited == {"$ref": "#/components/schemas/MerchantProblem"}


@pytest.mark.slow
def test_the_command_prints_the_same_document(make_sqlite: MakeDatabase) -> None:
    printed = clickgate(make_sqlite(), "openapi")
    assert json.loads(printed.stdout)["openapi"] == "3.1.0"


async def test_an_unknown_path_is_answered_in_json(gateway: Gateway) -> None:
    answer = await gateway.http.get("/nothing/here")
    assert answer.status_code == 404
    assert body_of(answer) == {"error": "Not Found"}


@pytest.mark.slow
async def test_an_unexpected_error_is_logged_once_with_its_traceback_and_masked(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    await gateway.link()
    await gateway.execute(text(unforeseen("affiliate_click_test_events", is_sqlite=gateway.store.is_sqlite).breaks))
    with caplog.at_level(logging.ERROR):
        answer = await gateway.track(None, additional_data={"test_mode": True})
    assert answer.status_code == 500
    assert body_of(answer)["error"] == "Click tracking failed"
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert record.__dict__["fault"] == answer.headers["Clickgate-Fault"]
    assert (await gateway.track()).status_code == 200


@pytest.mark.slow
async def test_clicks_and_websockets_are_not_logged_and_every_line_is_json(
    make_sqlite: MakeDatabase, tmp_path: Path
) -> None:
    url, log = make_sqlite(), tmp_path / "log"
    await make_link(url)
    async with serving(url, log=log, log_format="json") as (_, base), httpx.AsyncClient(base_url=base) as http:
        before = len(log.read_text().splitlines())
        for body in ({"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}, {}, {"affiliate_url": "x"}):
            await http.post("/api/v1/track/click", json=body)
        async with opened(base, None):
            pass
        with pytest.raises(InvalidStatus):
            async with opened(base, None, origin=Origin("https://other.example.com")):
                pass
        assert len(log.read_text().splitlines()) == before
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert sum("no city database" in line["event"] for line in lines) == 1
    assert sum("knows 1 links" in line["event"] for line in lines) == 1


async def test_a_full_queue_refuses_clicks_and_keeps_the_waiting_ones(database_url: str) -> None:
    await make_link(database_url)
    store = Store(database_url)
    writer = Writer(make_committer(store), queue_size=3, observer=WriterMetrics())
    click = Click(datetime.now(UTC), 1, 1, 1, "https://yoursite.com/?aff=PARTNER123", VisitRecord())
    waiting = [asyncio.create_task(writer.record(click)) for _ in range(3)]
    await asyncio.sleep(0)
    assert writer.is_full
    with pytest.raises(WriterQueueFull):
        await writer.record(click)
    writer.start()
    assert len({receipt.click_id for receipt in await asyncio.gather(*waiting)}) == 3
    await writer.close()
    with pytest.raises(WriterQueueFull):
        await writer.record(click)
    await store.close()


async def test_an_overloaded_gateway_answers_503_with_retry_after(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    await make_link(url)
    async with serving(url, queue_clicks="1") as (_, base):
        load = Load(base)
        load.start()
        await load.until(100)
        await load.stop()
    assert set(load.refused) <= {503}
    assert load.refused


@pytest.mark.slow
async def test_metrics_of_all_workers_are_summed(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    await make_link(url)
    async with serving(url, "--workers", "2") as (_, base), httpx.AsyncClient(base_url=base) as http:
        for _ in range(20):  # separate connections, so that both processes get some
            async with httpx.AsyncClient(base_url=base) as visitor:
                click = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}
                assert (await visitor.post("/api/v1/track/click", json=click)).status_code == 200
        assert 'clickgate_clicks_total{outcome="recorded"} 20.0' in (await http.get("/metrics")).text


@pytest.mark.slow
async def test_workers_end_with_their_parent_process(make_postgres: MakeDatabase) -> None:
    async def answers(base: str) -> bool:
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{base}/healthz")).status_code == 200
        except httpx.TransportError:
            return False

    async with serving(make_postgres(), "--workers", "2") as (process, base):
        assert await answers(base)
        os.kill(process.pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            while await answers(base):
                await asyncio.sleep(0.05)


def test_the_rate_limit_remembers_a_bounded_number_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rate_limit.MAX_KEYS", 100)
    charge = limiter("1/hour")
    charge("192.0.2.1")
    with pytest.raises(RateLimited):
        charge("192.0.2.1")
    for number in range(200):
        charge(f"198.51.100.{number}")
    charge("192.0.2.1")


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    charge = limiter("1/hour")
    charge("2001:db8::1")
    with pytest.raises(RateLimited):
        charge("2001:db8::2")
    charge("2001:db8:0:1::1")
