"""Ending background tasks."""

import asyncio
from typing import Any


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and return once they have ended, whatever they end with. Until then they may still use what they
    were given, such as a connection."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
