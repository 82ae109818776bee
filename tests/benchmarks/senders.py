"""Visitors that retry each click until they get a response, and record every response.

Afterwards the records are compared with the database, since a response is a promise.
"""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from tests.benchmarks.databases import CODES
from tests.benchmarks.script_result import Wrong
from tests.benchmarks.visitors import Answer, NoAnswer, Visitor, any_address, any_agent, click, request

# Between two attempts; short, in order to detect a recovery at once.
RETRY_SECONDS = 0.05
# A click without a response this long after the end of the load is considered hanging.
DRAIN_SECONDS = 30
RETURNING_SHARE, TWIN_SHARE, PLAIN_SHARE = 0.2, 0.1, 0.2


@dataclass(slots=True)
class Book:
    """All responses so far: click ids by event id, those without one, and refused or wrong responses."""

    identified: dict[str, set[str]] = field(default_factory=dict)
    plain: list[str] = field(default_factory=list)
    issued: deque[str] = field(default_factory=lambda: deque(maxlen=1000))
    refused: int = 0
    slowest_seconds: float = 0.0
    answered_at: float = 0.0
    problems: Counter[str] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        """The number of different clicks that were acknowledged."""
        return len(self.identified) + len(self.plain)

    async def answers_again(self, seconds: float) -> float:
        """Wait for the next recorded click; return how long it took. Raises `Wrong` if none comes in time."""
        asked = time.monotonic()
        while self.answered_at < asked:
            if time.monotonic() > asked + seconds:
                raise Wrong(f"no click was recorded within {seconds} seconds after the recovery")
            await asyncio.sleep(0.01)
        return self.answered_at - asked

    def wrong(self, stored: Sequence[tuple[str | None, str]]) -> list[str]:
        """Return the differences between stored events, as (event_id, click_id), and responses."""
        events = Counter(event_id for event_id, _ in stored if event_id is not None)
        receipts = dict(stored)
        wrong = [f"event {event_id} is stored {count} times" for event_id, count in events.items() if count > 1]
        promised = Counter(self.plain)
        for event_id, answers in self.identified.items():
            promised.update(answers)
            if answers != {receipts.get(event_id)}:
                wrong.append(f"event {event_id} was answered with {answers} and stored as {receipts.get(event_id)}")
        missing = promised - Counter(click_id for _, click_id in stored)
        return wrong + [f"{click_id}: {count} answered clicks are not stored" for click_id, count in missing.items()]


@dataclass(slots=True)
class Sender:
    """A sequence of visitors on two connections."""

    port: int
    random: Random
    book: Book
    stopping: asyncio.Event

    async def run(self) -> None:
        """Send clicks until stopped; the last click is retried until it is answered."""
        with Visitor(self.port) as one, Visitor(self.port) as other:
            while not self.stopping.is_set():
                returns = self.book.issued and self.random.random() < RETURNING_SHARE
                existing = self.random.choice(self.book.issued) if returns else None
                if self.random.random() < PLAIN_SHARE:
                    await self._once(one, existing)
                    continue
                event_id = str(UUID(int=self.random.getrandbits(128)))
                visitors = [one, other] if self.random.random() < TWIN_SHARE else [one]
                await asyncio.gather(*(self._until_answered(visitor, event_id, existing) for visitor in visitors))

    async def _once(self, visitor: Visitor, existing: str | None) -> None:
        try:
            answer = await visitor.send(self._request(existing_click_id=existing))
        except NoAnswer:
            await asyncio.sleep(RETRY_SECONDS)
            return
        if (click_id := self._click_id(answer, existing)) is not None:
            self.book.plain.append(click_id)

    async def _until_answered(self, visitor: Visitor, event_id: str, existing: str | None) -> None:
        sent = self._request(event_id=event_id, existing_click_id=existing)
        while True:
            try:
                click_id = self._click_id(await visitor.send(sent), existing)
            except NoAnswer:
                click_id = None
            if click_id is not None:
                self.book.identified.setdefault(event_id, set()).add(click_id)
                return
            await asyncio.sleep(RETRY_SECONDS)

    def _click_id(self, answer: Answer, existing: str | None) -> str | None:
        """Record a response; return its click id, if it has one."""
        book = self.book
        book.slowest_seconds = max(book.slowest_seconds, answer.seconds)
        if answer.status == 503 and answer.headers.get("retry-after", "").isdigit():
            book.refused += 1
        elif answer.status != 200:
            book.problems[f"answered {answer.status} {answer.body!r:.200}"] += 1
        else:
            click_id: str = answer.body["click_id"]
            book.issued.append(click_id)
            book.answered_at = time.monotonic()
            if existing is not None and click_id != existing:
                book.problems[f"a returning customer was answered with another click_id: {click_id}"] += 1
            return click_id
        return None

    def _request(self, **fields: str | None) -> bytes:
        body = json.dumps(click(self.random.choice(CODES), **fields)).encode()
        return request(body, agent=any_agent(self.random), address=any_address(self.random))


@asynccontextmanager
async def sending(port: int, random: Random, book: Book, senders: int) -> AsyncIterator[None]:
    """Send clicks during the block, then finish the last ones. Raises `Wrong` if some are never answered."""
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(Sender(port, random, book, stopping).run()) for _ in range(senders)]
    try:
        yield
    finally:
        stopping.set()
        done, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()
    if late:
        raise Wrong(f"{len(late)} clicks were not answered within {DRAIN_SECONDS} seconds of trying")
    for task in done:
        task.result()
