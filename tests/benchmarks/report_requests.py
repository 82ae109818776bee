"""Click reports as GraphQL requests to a running gateway, with the same content as the reader's."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

from graph.query.global_ids import encode_id
from graph.reports.requests import ReportRequest
from tests.benchmarks.script_result import Wrong
from tests.benchmarks.servers import HOST, gateway

TOKEN = "reports"
ANSWER_SECONDS = 60
CLICKS = "people bots customers"
CONVERSIONS = "leads sales revenue { amount currency } earnings { amount currency }"


class Asking:
    """Asks a gateway for reports over one connection."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)

    def seconds(self, request: ReportRequest) -> float:
        """Return how long a report took, from sending the request until the response was read."""
        body = _body_of(request)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        started = perf_counter()
        self._connection.request("POST", "/graphql", body, headers)
        answer = self._connection.getresponse().read()
        elapsed = perf_counter() - started
        if errors := json.loads(answer).get("errors"):
            raise Wrong(f"a report was refused: {errors}")
        return elapsed


@contextmanager
def asking(url: str, folder: Path) -> Iterator[Asking]:
    """Run a gateway on a database."""
    made = gateway(url, folder / "gateway.log")
    with replace(made, environment={**made.environment, "CLICKGATE_ADMIN_TOKEN": TOKEN}) as server:
        yield Asking(server.port)


def _body_of(request: ReportRequest) -> str:
    wanted = request.filter
    ids = {
        "programIds": ("Program", wanted.program_ids),
        "partnerIds": ("Partner", wanted.partner_ids),
        "referralLinkIds": ("ReferralLink", wanted.link_ids),
    }
    filter = {name: [encode_id(type, id) for id in found] for name, (type, found) in ids.items() if found is not None}
    variables = {
        "from": request.start.isoformat(),
        "to": request.end.isoformat(),
        "timezone": request.timezone,
        "filter": filter | ({} if wanted.is_bot is None else {"isBot": wanted.is_bot}),
    }
    return json.dumps({"query": _document_of(request), "variables": variables})


def _document_of(request: ReportRequest) -> str:
    totals = [CLICKS] * request.totals + [CONVERSIONS] * request.conversion_totals
    series = [
        f"{each.value.lower()}: series(interval: {each.name}) {{ start {CLICKS} {more} }}"
        for each in request.series
        for more in [CONVERSIONS if each in request.conversion_series else ""]
    ]
    return f"""query ($from: DateTime!, $to: DateTime!, $timezone: String!, $filter: ClickReportFilter) {{
      clickReport(from: $from, to: $to, timezone: $timezone, filter: $filter) {{ {" ".join(totals + series)} }}
    }}"""
