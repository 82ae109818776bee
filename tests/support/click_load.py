"""A small load of clicks that remembers each response, so that responses can be compared with the database
afterwards."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

CLICK = "/api/v1/track/click"


@dataclass(slots=True)
class Load:
    """Clicks sent by several visitors concurrently until stopped. `answered` maps each click's `event_id` to the
    `click_id` in its response; `refused` counts other responses by status."""

    url: str
    code: str = "PARTNER123"
    visitors: int = 32
    answered: dict[str, str] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    _stopping: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._visit()) for _ in range(self.visitors)]

    async def stop(self) -> None:
        self._stopping = True
        await asyncio.gather(*self._tasks)

    async def until(self, answers: int, seconds: float = 30) -> None:
        """Wait until a number of further clicks have been answered."""
        wanted = len(self.answered) + answers
        async with asyncio.timeout(seconds):
            while len(self.answered) < wanted:
                await asyncio.sleep(0.01)

    async def _visit(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as http:
            while not self._stopping:
                event_id = str(uuid4())
                click = {"affiliate_url": f"https://yoursite.com/?aff={self.code}", "event_id": event_id}
                try:
                    answer = await http.post(CLICK, json=click)
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    self.answered[event_id] = answer.json()["click_id"]
                else:
                    self.refused[answer.status_code] = self.refused.get(answer.status_code, 0) + 1
                    await asyncio.sleep(0.02)
