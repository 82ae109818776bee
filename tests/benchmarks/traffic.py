"""A mix of all kinds of requests to a click endpoint, each with a check of its response.

The checks let a long run under load detect wrong responses too.
"""

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from tests.benchmarks.databases import CODES, PAUSED_CODE
from tests.benchmarks.visitors import Answer, any_address, any_agent, click, request

CLICK_ID = re.compile(r"cust_[0-9]+_[0-9]{13}")
WINDOW_DAYS = 60
# Enough to reach back into other batches, few enough not to grow.
REMEMBERED = 20_000
BODY_BYTES = 64 * 1024

Judgement: TypeAlias = Callable[[Answer], str | None]

# Rejected requests, with a word of the reason.
MALFORMED: tuple[tuple[bytes, int, str], ...] = (
    (b"", 400, "JSON object"),
    (b'{"affiliate_url": "https://store.exam', 400, "JSON object"),
    (b"[1, 2]", 400, "JSON object"),
    (b"null", 400, "JSON object"),
    (b"\xff\xfe\x00", 400, "JSON object"),
    (b"[" * 30_000, 400, "JSON object"),
    (b'{"additional_data":' * 3_000, 400, "JSON object"),
    (b"{}", 400, "affiliate_url is required"),
    (b'{"affiliate_url": null}', 400, "affiliate_url is required"),
    (b'{"affiliate_url": 5}', 400, "Invalid affiliate_url"),
    (b'{"affiliate_url": "no URL"}', 400, "Invalid affiliate_url"),
    (b'{"affiliate_url": "https://store.example.com/?affiliate=CODE0001"}', 400, "No aff parameter"),
    (b'{"affiliate_url": "https://store.example.com/?aff=CODE0001", "page_title": 7}', 400, "page_title"),
    (b'{"affiliate_url": "https://store.example.com/?aff=CODE0001", "event_id": ""}', 400, "event_id"),
    (b'{"affiliate_url": "https://store.example.com/?aff=code0001"}', 400, "Referral link not found"),
    (b'{"affiliate_url": "https://store.example.com/?aff=%ff%00"}', 400, "Referral link not found"),
    (b'{"additional_data": {"test_mode": true, "program_id": "999999999"}}', 400, "Program not found"),
    (b'{"page_title": "' + b"x" * BODY_BYTES + b'"}', 413, "too large"),
)
# Requests that are repaired rather than rejected.
ODD: tuple[dict[str, Any], ...] = (
    {"page_title": "nul \0 and \ud800 half a pair"},
    {"page_url": "x" * 5000, "language": "y" * 500},
    {"additional_data": {"deep": [[[[{"number": 10**300}]]]], "nul \0": "\0"}},
    {"user_agent": "\u00b2\ud83d" * 800, "referrer_url": "not a URL", "unknown": [1]},
    {"existing_click_id": "cust_999999999999999999_1715000000000"},
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, its kind, and the function that checks its response."""

    kind: str
    request: bytes
    judge: Judgement


@dataclass(slots=True)
class Traffic:
    """Draws requests and counts what responses acknowledged, to be compared with the database: `events`, `customers`
    and `tests`."""

    random: Random
    program_id: int
    events: int = 0
    customers: int = 0
    tests: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    _first: dict[str, tuple[str, str]] = field(default_factory=dict)
    _sent: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _issued: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def draw(self) -> Exchange:
        """Return the next request."""
        kinds = (self._plain, self._identified, self._replay, self._returning, self._test, self._refused, self._unknown)
        kind = self.random.choices((*kinds, self._paused, self._odd), weights=(25, 25, 12, 12, 5, 7, 8, 2, 4))[0]
        body, judge = kind()
        name = kind.__name__.strip("_")
        self.kinds[name] += 1
        return Exchange(name, self._request(body), judge)

    def _request(self, body: Mapping[str, Any] | bytes) -> bytes:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return request(raw, agent=any_agent(self.random), address=any_address(self.random))

    def _plain(self) -> tuple[Mapping[str, Any], Judgement]:
        code = self.random.choice(CODES)
        return click(code), lambda answer: self._recorded(answer, code)

    def _odd(self) -> tuple[Mapping[str, Any], Judgement]:
        code = self.random.choice(CODES)
        return click(code, **self.random.choice(ODD)), lambda answer: self._recorded(answer, code)

    def _identified(self) -> tuple[Mapping[str, Any], Judgement]:
        code, event_id = self.random.choice(CODES), f"{self.random.getrandbits(128):032x}"
        self._sent.append((event_id, code))

        def judge(answer: Answer) -> str | None:
            return self._recorded(answer, code, event_id)

        return click(code, event_id=event_id), judge

    def _replay(self) -> tuple[Mapping[str, Any], Judgement]:
        """Send a click again, often while the first request is still running."""
        if not self._sent:
            return self._identified()
        near = self.random.random() < 0.5
        event_id, code = self._sent[-1] if near else self.random.choice(self._sent)
        return click(code, event_id=event_id), lambda answer: self._replayed(answer, event_id, code)

    def _returning(self) -> tuple[Mapping[str, Any], Judgement]:
        if not self._issued:
            return self._plain()
        code, click_id = self.random.choice(CODES), self.random.choice(self._issued)

        def judge(answer: Answer) -> str | None:
            if (problem := _shape(answer, code)) is None:
                self.events += 1
            return problem or _same(answer, click_id)

        return click(code, existing_click_id=click_id), judge

    def _test(self) -> tuple[Mapping[str, Any], Judgement]:
        named, expected = self.random.choice(
            ((None, None), (self.program_id, self.program_id), (str(self.program_id), self.program_id))
        )

        def judge(answer: Answer) -> str | None:
            data = answer.body.get("data", {}) if answer.status == 200 else {}
            if data.get("programId", "") != expected or not isinstance(data.get("eventId"), int):
                return _told(answer)
            self.tests += 1
            return None

        return {"additional_data": {"test_mode": True, "program_id": named}}, judge

    def _refused(self) -> tuple[bytes, Judgement]:
        body, status, reason = self.random.choice(MALFORMED)
        return body, lambda answer: _refusal(answer, status, reason)

    def _unknown(self) -> tuple[Mapping[str, Any], Judgement]:
        code = f"NONE{self.random.getrandbits(64):016x}"
        return click(code), lambda answer: _refusal(answer, 400, "Referral link not found")

    def _paused(self) -> tuple[Mapping[str, Any], Judgement]:
        expected = {"success": False, "message": "Referral link is inactive"}
        right = (200, expected)
        return click(PAUSED_CODE), lambda answer: None if (answer.status, answer.body) == right else _told(answer)

    def _recorded(self, answer: Answer, code: str, event_id: str | None = None) -> str | None:
        if (problem := _shape(answer, code)) is not None:
            return problem
        self.events += 1
        self.customers += 1
        self._issued.append(answer.body["click_id"])
        return self._agrees(answer, event_id) if event_id else None

    def _replayed(self, answer: Answer, event_id: str, code: str) -> str | None:
        return _shape(answer, code) or self._agrees(answer, event_id)

    def _agrees(self, answer: Answer, event_id: str) -> str | None:
        """Check that all responses to an event id are the same, whichever came first."""
        receipt = (answer.body["click_id"], answer.body["partner_code"])
        first = self._first.setdefault(event_id, receipt)
        if len(self._first) > 2 * REMEMBERED:
            del self._first[next(iter(self._first))]
        return None if first == receipt else f"{receipt} for the event that was answered with {first}"


def _shape(answer: Answer, code: str) -> str | None:
    body = answer.body
    if answer.status != 200 or not isinstance(body, dict) or not CLICK_ID.fullmatch(body.get("click_id", "")):
        return _told(answer)
    rest = {"success": True, "click_id": body["click_id"], "partner_code": code, "cookie_window_days": WINDOW_DAYS}
    return None if body == rest else _told(answer)


def _same(answer: Answer, click_id: str) -> str | None:
    return None if answer.body["click_id"] == click_id else f"{answer.body['click_id']} for the customer {click_id}"


def _refusal(answer: Answer, status: int, reason: str) -> str | None:
    said = answer.body.get("error", "") if isinstance(answer.body, dict) else ""
    return None if answer.status == status and reason in said else _told(answer)


def _told(answer: Answer) -> str:
    return f"answered {answer.status} {answer.body!r:.300}"
