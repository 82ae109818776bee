"""The rate limit on the public endpoint, counted per client address in this process by the `limits` library."""

import math
from collections.abc import Callable
from time import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.lookups.addresses import client_key
from graph.domain.errors import RateLimited

# About 20 MB of counters. Whoever commands more addresses than this is not held by a limit per address anyway, so
# then all counts begin anew instead of growing.
CLIENTS = 50_000


def limiter(limit: str) -> Callable[[str | None], None]:
    """Return the function that counts one click of an address, and raises `RateLimited` once there are more than
    `limit` allows (such as `60/minute`). An empty limit allows everything."""
    if not limit:
        return lambda address: None
    allowed = parse(limit)
    storage = MemoryStorage()
    strategy = SlidingWindowCounterRateLimiter(storage)

    def charge(address: str | None) -> None:
        nonlocal storage, strategy
        if len(storage.storage) > CLIENTS:
            storage = MemoryStorage()
            strategy = SlidingWindowCounterRateLimiter(storage)
        key = client_key(address or "")
        if not strategy.hit(allowed, key):
            reset_at = strategy.get_window_stats(allowed, key).reset_time
            raise RateLimited(retry_after=max(1, math.ceil(reset_at - time())))

    return charge
