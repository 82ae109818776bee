"""Waiting until a gateway has done its work in the background, which would slow down what is measured."""

import time
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from db.segments.builder import LOT
from tests.benchmarks.script_result import Wrong
from tests.benchmarks.servers import HOST, Server

# Events of the outbox that a consumer has not processed, and clicks of an earlier version that lack fields.
LEFT = ("clickgate_outbox_waiting_events", "clickgate_unfilled_clicks")
# A gateway measures them every five seconds, and not at once after its start.
CHECK_SECONDS = 6
CHECKS = 3
WAIT_SECONDS = 900


def await_settled(server: Server) -> None:
    """Return once a gateway has filled in older clicks and made rollups and segments of the history, but for the last
    few clicks, which wait for others to make a segment with. Raises `Wrong` if that takes too long."""
    deadline = time.monotonic() + WAIT_SECONDS
    settled = 0
    while settled < CHECKS:
        if time.monotonic() > deadline:
            raise Wrong(f"the gateway was still busy with the history after {WAIT_SECONDS} seconds")
        time.sleep(CHECK_SECONDS)
        with urlopen(f"http://{HOST}:{server.port}/metrics") as answer:
            families = text_string_to_metric_families(answer.read().decode())
        left = [sample.value for family in families if family.name in LEFT for sample in family.samples]
        settled = settled + 1 if max(left) < LOT.events else 0
