"""Five operations of a dashboard, for the gateway and for the peer, with the same fields and rows.

Each side gets the same two hundred requests over and over, for different partners, customers and pages.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

from graph.query.global_ids import encode_id
from tests.benchmarks import seeds
from tests.benchmarks.script_result import Wrong
from tests.benchmarks.seeds import REGULARS, Size
from tests.benchmarks.servers import HOST, Server

PATH = "/graphql"
REQUESTS, PAGES = 200, 10
ANSWER_SECONDS = 30

LATEST_CLICKS = """query ($partner: ID!) {
  clickEvents(filter: {partnerId: $partner}, first: 50) { nodes {
    databaseId occurredAt browser os deviceType country city referralLink { url } customer { clickId customerStatus }
  } }
}"""
THEIR_LATEST_CLICKS = """query ($partner: Int!) {
  allClickEvents(condition: {partnerId: $partner}, first: 50, orderBy: [OCCURRED_AT_DESC, ROW_ID_DESC]) { nodes {
    rowId occurredAt browser os deviceType country city linkByLinkId { url }
    customerByCustomerId { clickId customerStatus }
  } }
}"""
BEST_LINKS = """query ($after: String) {
  referralLinks(first: 100, after: $after, orderBy: {field: CLICKS}) { nodes {
    databaseId code url destinationUrl clicks lastClicked
  } }
}"""
THEIR_BEST_LINKS = """query ($offset: Int!) {
  allLinks(first: 100, offset: $offset, orderBy: [CLICKS_DESC, ROW_ID_DESC]) { nodes {
    rowId code url destinationUrl clicks lastClicked
  } }
}"""
CUSTOMER = """query ($clickId: String!) {
  customer(clickId: $clickId) { databaseId clickId customerStatus createdAt clickEvents(first: 20) { nodes {
    databaseId occurredAt browser os deviceType country city pageUrl
  } } }
}"""
THEIR_CUSTOMER = """query ($clickId: String!) {
  customerByClickId(clickId: $clickId) { rowId clickId customerStatus createdAt
    clickEventsByCustomerId(first: 20, orderBy: [OCCURRED_AT_DESC, ROW_ID_DESC]) { nodes {
      rowId occurredAt browser os deviceType country city pageUrl
    } }
  }
}"""
DAYS = """query ($partner: ID!, $from: DateTime!, $to: DateTime!) {
  clickReport(filter: {partnerIds: [$partner]}, from: $from, to: $to) {
    series(interval: DAY) { start clicks people customers }
  }
}"""
THEIR_DAYS = """query ($partner: Int!) {
  allDailyClicks(condition: {partnerId: $partner}, orderBy: [DAY_ASC]) { nodes { day clicks people customers } }
}"""
LATEST_CUSTOMERS = """query ($after: String) {
  customers(first: 50, after: $after) { nodes {
    databaseId clickId customerStatus createdAt referralLink { databaseId code url } partner { databaseId name }
  } }
}"""
THEIR_LATEST_CUSTOMERS = """query ($offset: Int!) {
  allCustomers(first: 50, offset: $offset, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { nodes {
    rowId clickId customerStatus createdAt linkByLinkId { rowId code url } partnerByPartnerId { rowId name }
  } }
}"""


@dataclass(frozen=True, slots=True)
class Turn:
    """The subject of a request: its number, the partner whose dashboard it is, and the customer whose clicks it
    shows."""

    number: int
    partner: int
    customer: int

    @property
    def offset(self) -> int:
        return self.number % PAGES


Variables = Callable[[Turn, Size], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation for both sides. `pages` has the first cursors of its list, if it pages through one."""

    name: str
    ours: str
    theirs: str
    variables: Variables
    their_variables: Variables
    pages: str | None = None


def _partner(turn: Turn, size: Size) -> Mapping[str, Any]:
    return {"partner": encode_id("Partner", turn.partner)}


def _their_partner(turn: Turn, size: Size) -> Mapping[str, Any]:
    return {"partner": turn.partner}


def _click_id(turn: Turn, size: Size) -> Mapping[str, Any]:
    return {"clickId": f"cust_{turn.customer}_{1715000000000 + turn.customer}"}


def _span(turn: Turn, size: Size) -> Mapping[str, Any]:
    end = seeds.START + timedelta(days=size.days)
    return {**_partner(turn, size), "from": seeds.START.isoformat(), "to": end.isoformat()}


def _nothing(turn: Turn, size: Size) -> Mapping[str, Any]:
    return {}


def _offset(turn: Turn, size: Size) -> Mapping[str, Any]:
    return {"offset": turn.offset}


OPERATIONS = (
    Operation("latest clicks", LATEST_CLICKS, THEIR_LATEST_CLICKS, _partner, _their_partner),
    Operation(
        "best links",
        BEST_LINKS,
        THEIR_BEST_LINKS,
        _nothing,
        _offset,
        "{ page: referralLinks(first: 10, orderBy: {field: CLICKS}) { edges { cursor } } }",
    ),
    Operation("a customer", CUSTOMER, THEIR_CUSTOMER, _click_id, _click_id),
    Operation("days of a partner", DAYS, THEIR_DAYS, _span, _their_partner),
    Operation(
        "latest customers",
        LATEST_CUSTOMERS,
        THEIR_LATEST_CUSTOMERS,
        _nothing,
        _offset,
        "{ page: customers(first: 10) { edges { cursor } } }",
    ),
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: the owner of its token, and its body."""

    token: str
    body: str


def turns(size: Size) -> Sequence[Turn]:
    """Return the subjects of the two hundred requests. Each customer is one of the regulars, and came through a link of
    the partner."""
    found = []
    for number in range(REQUESTS):
        customer = (number * 23) % REGULARS + 1
        link = customer % size.links + 1
        found.append(Turn(number, link % size.partners + 1, customer))
    return found


def ours(operation: Operation, size: Size, server: Server, token_of: Callable[[int], str]) -> Sequence[Ask]:
    """Return the gateway's requests, each with the token of its partner."""
    asks, cursors = [], dict[str, Sequence[str]]()
    for turn in turns(size):
        token, variables = token_of(turn.partner), dict(operation.variables(turn, size))
        if operation.pages:
            if token not in cursors:
                edges = answer(server, Ask(token, body(operation.pages, {})))["page"]["edges"]
                cursors[token] = [edge["cursor"] for edge in edges]
            known = cursors[token]
            # All of a partner's few links are on the first page.
            variables["after"] = known[turn.offset - 1] if turn.offset and len(known) == PAGES else None
        asks.append(Ask(token, body(operation.ours, variables)))
    return asks


def theirs(operation: Operation, size: Size) -> Sequence[Ask]:
    """Return the peer's requests."""
    return [Ask("", body(operation.theirs, operation.their_variables(turn, size))) for turn in turns(size)]


def answer(server: Server, ask: Ask) -> Any:
    """Return a response's data. Raises `Wrong` if it has errors."""
    return json.loads(raw_answer(server, ask))["data"]


def raw_answer(server: Server, ask: Ask) -> bytes:
    """Return a response unchanged. Raises `Wrong` if it has errors."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if ask.token:
        headers["Authorization"] = f"Bearer {ask.token}"
    connection = HTTPConnection(HOST, server.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", PATH, ask.body, headers)
        response = connection.getresponse()
        raw = response.read()
    finally:
        connection.close()
    if response.status != 200 or "errors" in json.loads(raw):
        raise Wrong(f"{ask.body:.300} was answered with {response.status} {raw[:500]!r}")
    return raw


def rows_in(data: Any) -> int:
    """Return the number of rows in a response's longest list."""
    match data:
        case dict():
            return max((rows_in(value) for value in data.values()), default=0)
        case list():
            return len(data)
    return 0


def body(query: str, variables: Mapping[str, Any]) -> str:
    return json.dumps({"query": " ".join(query.split()), "variables": variables}, separators=(",", ":"))
