"""The rate limits: on clicks and on conversions without a token, by the client's address, and on what else is counted.

The `limits` library counts them per process.
"""

import math
from collections.abc import Callable
from time import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.lookups.addresses import client_key
from graph.domain.errors import RateLimited

# Counters for this many clients take about 20 MB. Beyond that all counts restart: a limit per address cannot stop a
# client with that many addresses anyway.
MAX_KEYS = 50_000


def limiter(limit: str) -> Callable[[str | None], None]:
    """Return a function that counts a click from an address, and raises `RateLimited` if it exceeds `limit`, such as
    `60/minute`. An empty limit allows everything."""
    if not limit:
        return lambda address: None
    count = counter(limit)
    return lambda address: count(client_key(address or ""))


def counter(limit: str) -> Callable[[str], None]:
    """Return a function that counts something by a key, and raises `RateLimited` if it exceeds `limit`."""
    allowed = parse(limit)
    storage = MemoryStorage()
    strategy = SlidingWindowCounterRateLimiter(storage)

    def count(key: str) -> None:
        nonlocal storage, strategy
        if len(storage.storage) > MAX_KEYS:
            storage = MemoryStorage()
            strategy = SlidingWindowCounterRateLimiter(storage)
        if not strategy.hit(allowed, key):
            reset_at = strategy.get_window_stats(allowed, key).reset_time
            raise RateLimited(retry_after=max(1, math.ceil(reset_at - time())))

    return count
