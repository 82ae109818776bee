"""The `/metrics` endpoint and the gateway's own metrics: clicks, batches, the queue, the rollups' backlog, connection
pools and SQLite's write-ahead log. GraphQL's metrics are in `graph.execution.metrics`."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.requests import Request
from starlette.responses import Response

from db.backfill.state import clicks_left
from db.engine.replica import Replica
from db.engine.store import Store
from db.errors import StoreError
from db.outbox.backlog import Backlog, Backlogs
from db.rollups.aggregator import RollupAggregator
from graph.execution.turns import Turns

CLICKS = Counter("clickgate_clicks", "Requests to the click endpoint, by outcome", ["outcome"])
CONVERSIONS = Counter(
    "clickgate_conversions",
    "Requests about conversions, by kind (lead, sale, refund) and outcome",
    ["kind", "outcome"],
)
BATCH_CLICKS = Histogram(
    "clickgate_batch_clicks", "Clicks written in one transaction", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
)
COMMIT_SECONDS = Histogram(
    "clickgate_commit_seconds",
    "Time from the start of a batch's transaction to its commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
WAITING = Gauge("clickgate_waiting_clicks", "Clicks waiting for the database", multiprocess_mode="livesum")
AVAILABLE = Gauge(
    "clickgate_database_available", "1 if clicks can be recorded, 0 in an outage", multiprocess_mode="livemin"
)
AVAILABLE.set(1)
LOG_BYTES = Gauge(
    "clickgate_database_log_bytes", "Size of SQLite's write-ahead log", multiprocess_mode="livemostrecent"
)
POOLED = Gauge(
    "clickgate_pool_connections",
    "Pooled database connections, by pool and state: in_use, idle",
    ["pool", "state"],
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "clickgate_pool_waiting", "Tasks waiting for a pooled connection", ["pool"], multiprocess_mode="livesum"
)
BACKLOG_CLICKS = Gauge(
    "clickgate_rollup_waiting_clicks", "Recorded clicks that are not in the rollups yet", multiprocess_mode="livemax"
)
BACKLOG_SECONDS = Gauge(
    "clickgate_rollup_waiting_seconds",
    "Age of the oldest recorded click that is not in the rollups yet",
    multiprocess_mode="livemax",
)
CONSUMER_EVENTS = Gauge(
    "clickgate_outbox_waiting_events",
    "Recorded events that a consumer of the outbox has yet to process",
    ["consumer"],
    multiprocess_mode="livemax",
)
CONSUMER_SECONDS = Gauge(
    "clickgate_outbox_waiting_seconds",
    "Time since the oldest event that a consumer of the outbox has yet to process was recorded",
    ["consumer"],
    multiprocess_mode="livemax",
)
UNFILLED_CLICKS = Gauge(
    "clickgate_unfilled_clicks",
    "Recorded clicks that lack fields of this version, until gateways have filled them in",
    multiprocess_mode="livemax",
)
REPLICA_AVAILABLE = Gauge(
    "clickgate_replica_available",
    "1 if lists and reports come from the read replica, 0 if it is left out or there is none",
    multiprocess_mode="livemin",
)
REPLICA_LAG = Gauge(
    "clickgate_replica_lag_seconds",
    "How old what the read replica shows is, while it is read from",
    multiprocess_mode="livemax",
)
# About as often as the rollups are updated. A scrape itself does not query the database.
SAMPLE_SECONDS = 5


def count_click(outcome: str) -> None:
    """Count a request to the click endpoint by its outcome."""
    _clicks(outcome).inc()


@cache
def _clicks(outcome: str) -> Counter:
    """Return an outcome's counter, cached: in the library, finding a counter takes longer than incrementing it. There
    are a dozen outcomes."""
    return CLICKS.labels(outcome)


def count_conversion(kind: str, outcome: str) -> None:
    """Count a request about a lead, a sale or a refund by its outcome."""
    CONVERSIONS.labels(kind, outcome).inc()


class WriterMetrics:
    """Exports what the click writer reports as metrics."""

    def waiting(self, clicks: int) -> None:
        WAITING.set(clicks)

    def committed(self, clicks: int, seconds: float) -> None:
        BATCH_CLICKS.observe(clicks)
        COMMIT_SECONDS.observe(seconds)

    def available(self, is_available: bool) -> None:
        AVAILABLE.set(is_available)


async def sample(store: Store, replica: Replica | None, clock: Callable[[], datetime]) -> None:
    """Update the metrics that have to be polled, until cancelled."""
    backlogs = Backlogs(store)
    measured: dict[str, Backlog] = {}
    while True:
        _sample_connections(store)
        if replica is not None:
            REPLICA_AVAILABLE.set(replica.lag is not None)
            REPLICA_LAG.set(replica.lag.total_seconds() if replica.lag is not None else 0)
        with suppress(StoreError, TimeoutError):  # in an outage, the last backlog stays as it was
            async with asyncio.timeout(SAMPLE_SECONDS):
                # A consumer that was removed is behind no more.
                measured = dict.fromkeys(measured, Backlog()) | await backlogs.measure()
                UNFILLED_CLICKS.set(await clicks_left(store))
        for name, backlog in measured.items():
            CONSUMER_EVENTS.labels(name).set(backlog.events)
            CONSUMER_SECONDS.labels(name).set(backlog.seconds(clock))
        rollups = measured.get(RollupAggregator.name, Backlog())
        BACKLOG_CLICKS.set(rollups.events)
        BACKLOG_SECONDS.set(rollups.seconds(clock))
        await asyncio.sleep(SAMPLE_SECONDS)


def _sample_connections(store: Store) -> None:
    for usage in store.database.pools():
        POOLED.labels(usage.pool, "in_use").set(usage.in_use)
        POOLED.labels(usage.pool, "idle").set(usage.idle)
        POOL_WAITING.labels(usage.pool).set(usage.waiting)
    if (log_bytes := store.database.log_bytes()) is not None:
        LOG_BYTES.set(log_bytes)


class MetricsEndpoint:
    """The `/metrics` endpoint. A response takes milliseconds to render, so concurrent requests take turns."""

    def __init__(self) -> None:
        self._turns = Turns()

    async def answer(self, request: Request) -> Response:
        """Answer a scrape with the metrics of all worker processes."""
        await self._turns.take(request.receive)
        return _metrics(request.state.services.store)


def _metrics(store: Store) -> Response:
    _sample_connections(store)
    registry: CollectorRegistry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        _forget_ended_processes(Path(folder))
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _forget_ended_processes(folder: Path) -> None:
    """Remove the gauges of processes that have ended. Their counters stay, because they still count."""
    for file in folder.glob("gauge_live*_*.db"):
        process_id = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(process_id)  # type: ignore[no-untyped-call]  # as above
