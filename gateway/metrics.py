"""What Prometheus may know: clicks by outcome, the writer's batches, and how many clicks wait."""

import os
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

CLICKS = Counter("clickgate_clicks", "Requests to the click endpoint, by outcome", ["outcome"])
BATCH_CLICKS = Histogram(
    "clickgate_batch_clicks", "Clicks written in one transaction", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
)
COMMIT_SECONDS = Histogram(
    "clickgate_commit_seconds",
    "Time from the start of a batch's transaction to its commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
# Of several processes, what waits in all that are alive.
WAITING = Gauge("clickgate_waiting_clicks", "Clicks that wait for the database", multiprocess_mode="livesum")


AVAILABLE = Gauge(
    "clickgate_database_available", "1 while clicks can be recorded, 0 in an outage", multiprocess_mode="livemin"
)
AVAILABLE.set(1)


def count_click(outcome: str) -> None:
    """Count one request by its outcome."""
    _clicks(outcome).inc()


@cache
def _clicks(outcome: str) -> Counter:
    """Return an outcome's counter. There are a dozen; the library looks for it longer than it counts."""
    return CLICKS.labels(outcome)


class WriterMetrics:
    """What the click writer reports."""

    def waiting(self, clicks: int) -> None:
        WAITING.set(clicks)

    def committed(self, clicks: int, seconds: float) -> None:
        BATCH_CLICKS.observe(clicks)
        COMMIT_SECONDS.observe(seconds)

    def available(self, is_available: bool) -> None:
        AVAILABLE.set(is_available)


async def metrics(_request: Request) -> Response:
    """Answer a scrape, with the sums over all worker processes where there are several."""
    registry: CollectorRegistry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        _forget_ended_processes(Path(folder))
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has none here
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _forget_ended_processes(folder: Path) -> None:
    """Drop what waited in processes that are no more; counters stay, since what they counted did happen."""
    for file in folder.glob("gauge_live*_*.db"):
        process_id = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(process_id)  # type: ignore[no-untyped-call]  # likewise
