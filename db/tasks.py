"""Tasks that run ahead of who waits for them, and the end of tasks in the background."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def ahead(calls: Iterable[Callable[[], Coroutine[Any, Any, T]]]) -> AsyncGenerator[T]:
    """Yield what each call returns, in order. They run one at a time, each while the caller works with what the one
    before has returned. Whoever closes the iterator early waits for the one that runs."""
    running: asyncio.Task[T] | None = None
    try:
        for call in calls:
            if running is None:
                running = asyncio.create_task(call())
                continue
            found = await running
            running = asyncio.create_task(call())
            yield found
        if running is not None:
            yield await running
    finally:
        if running is not None:
            await asyncio.gather(running, return_exceptions=True)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and return once they have ended, whatever they end with. Until then they may still use what they
    were given, such as a connection."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
