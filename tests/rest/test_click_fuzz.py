"""More than a thousand hostile requests to a real server: no internal error, no dropped connection, no miscount."""

import asyncio
import json
from collections import Counter
from random import Random
from typing import Any

import httpx
import pytest

from graph.domain.visit import Visit
from tests.support.click_apis import CLICK
from tests.support.gateways import Gateway, body_of

pytestmark = pytest.mark.slow

REQUESTS = 1500
CLIENTS = 16
TEXTS = [
    "",
    "x",
    "\0",
    "a\0b",
    "\ud800",
    "\udfffx",
    "😀" * 300,
    "x" * 3000,
    "é" * 65,
    "' OR 1=1 --",
    "%s{}%00",
    "\u202e",
]
TEXTS += [
    "\x7f\x80\x9f",
    "\u2028",
    "\ufeff",
    "\ufffe\uffff",
    "\U0010ffff",
    "null",
    "NaN",
    "cust_1_1",
    "../../etc",
    "\r\n",
]
URLS = [
    "https://yoursite.com/?aff={}",
    "HTTPS://u:p@yoursite.com:8080/\0?x=%ff&aff={}#\0",
    "mailto:a?aff={}",
    "{}",
    "//x?{}",
]
URLS += ["https://yoursite.com/\ud800?aff={}", "https://\ud800/?aff={}", "https://[::1]/?aff=&aff={}", "x:\t?aff={}"]
CODES = [*["PARTNER123"] * 10, "SECOND", "SECOND", "PAUSED", "partner123", "%00", "%ff", "😀", "", "x" * 9000]
AGENTS = [b"Mozilla/5.0 (compatible; Googlebot/2.1)", b"", b"\xff\xfe", b"x" * 8000, "é😀".encode(), b"a\tb", b"%00"]
JUNK = [
    b"\xff",
    b"\0",
    b"\xed\xa0\x80",
    b'"',
    b"\\",
    b"{",
    b"]",
    b"\\ud800",
    b"\\u0000",
    b"1e999",
    b"NaN",
    b"\xef\xbb\xbf",
]
JUNK += [b"[" * 2000, b"7" * 5000, b"\xc0\x80", b"\xf4\x90\x80\x80", b'{"a":' * 500, b",", b"\x1f"]


def any_value(random: Random, depth: int = 3) -> Any:
    kinds = 12 if depth else 8
    match random.randrange(kinds):
        case 0 | 1 | 2:
            return random.choice(TEXTS)
        case 3:
            return random.choice([0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**40, 10**400])
        case 4:
            return random.choice([0.5, -0.0, 1e308, 5e-324, 1e16])
        case 5:
            return random.choice([True, False])
        case 6 | 7:
            return None
        case 8 | 9:
            return [any_value(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice(TEXTS): any_value(random, depth - 1) for _ in range(random.randrange(4))}


def any_click(random: Random, click_ids: list[str]) -> dict[str, Any]:
    """Generate a click with mostly valid fields."""
    fields: dict[str, Any] = {
        "affiliate_url": random.choice(URLS[: random.choice([2, len(URLS)])]).format(random.choice(CODES))
    }
    for name in random.sample(Visit.__struct_fields__, random.randrange(7)):
        if name not in ("affiliate_url", "event_id", "additional_data"):
            fields[name] = random.choice(TEXTS) if random.random() < 0.95 else any_value(random)
    if random.random() < 0.3:
        fields["existing_click_id"] = random.choice([*click_ids, "cust_1_1"])
    if random.random() < 0.3:
        fields["event_id"] = f"event-{random.randrange(40)}"
    if random.random() < 0.4:
        fields["additional_data"] = {random.choice(TEXTS): any_value(random) for _ in range(3)}
    if random.random() < 0.1:
        test = {"test_mode": random.choice([True, True, 1]), "program_id": random.choice([1, "1", -1, "x", None])}
        fields["additional_data"] = fields.get("additional_data", {}) | test
    if random.random() < 0.05:
        fields[random.choice(["affiliate_url", "additional_data", "unknown"])] = any_value(random)
    return fields


def any_body(random: Random, click_ids: list[str]) -> tuple[bytes, str | None]:
    """Generate a body, and return it with its `event_id`. A damaged body has no `event_id`."""
    fields = any_click(random, click_ids)
    if random.random() < 0.8:
        ascii_only = random.random() < 0.5
        body = json.dumps(fields, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        return body, fields.get("event_id")
    fields.pop("event_id", None)
    body = json.dumps(fields, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(body) + 1)
        body = body[:at] + random.choice(JUNK) + body[at + random.randrange(3) :]
    return body.ljust(random.choice([0, 0, 0, 65_536, 65_537])), None


async def client(gateway: Gateway, random: Random, requests: int) -> list[tuple[str | None, httpx.Response]]:
    """Send requests one after the other, reusing the click ids from the responses."""
    answers: list[tuple[str | None, httpx.Response]] = []
    click_ids: list[str] = []
    for _ in range(requests):
        body, event_id = any_body(random, click_ids)
        headers = [(b"User-Agent", random.choice(AGENTS)), (b"Content-Type", random.choice([b"text/plain", b"\xff"]))]
        answer = await gateway.http.post(CLICK, content=body, headers=headers)
        answers.append((event_id, answer))
        if (click_id := body_of(answer).get("click_id")) is not None:
            click_ids = [*click_ids[-5:], click_id]
    return answers


async def test_all_hostile_requests_are_answered_and_counted_exactly(gateway: Gateway) -> None:
    program = await gateway.program()
    for code, status in {"PARTNER123": "active", "SECOND": "active", "PAUSED": "inactive"}.items():
        await gateway.link(code, program=program, status=status)
    clients = [client(gateway, Random(seed), REQUESTS // CLIENTS) for seed in range(CLIENTS)]
    answers = [answer for some in await asyncio.gather(*clients) for answer in some]
    statuses = Counter(answer.status_code for _, answer in answers)
    assert set(statuses) == {200, 400, 413}
    assert statuses[200] > REQUESTS // 4
    clicks = [(event_id, body["click_id"]) for event_id, answer in answers if "click_id" in (body := body_of(answer))]
    tests = [answer for _, answer in answers if "data" in body_of(answer)]
    replayed = {pair for pair in clicks if pair[0] is not None}
    single = [pair for pair in clicks if pair[0] is None]
    assert len(replayed) == len({event_id for event_id, _ in replayed}) > 20
    events = await gateway.events()
    assert await gateway.recorded() == len(events) == len(single) + len(replayed)
    assert Counter((event["event_id"], event["click_id"]) for event in events) == Counter([*single, *replayed])
    assert {customer["click_id"] for customer in await gateway.customers()} == {event["click_id"] for event in events}
    assert len(await gateway.test_events()) == len(tests) > 10
