"""A metric of clicks with unknown codes, by code. Each is credit that a partner loses to a misspelt or deleted link.

Clients can send any text, so the metric lists only well-formed codes, and a limited number of them. Codes seen once are
evicted first; a code that is clicked again stays.
"""

import os

from prometheus_client import Counter

# Each code adds about 100 bytes to a scrape.
MAX_CODES = 200
OTHERS = ""
CLICKS = Counter(
    "clickgate_unknown_code_clicks",
    'Clicks refused because no link has their code, by code; "" for all other codes',
    ["code"],
)


class UnknownCodes:
    """Counts this process's clicks by their unknown code."""

    def __init__(self, *, max_codes: int = MAX_CODES) -> None:
        self._max_codes = max_codes
        self._repeated: set[str] = set()
        # Ordered from the oldest to the newest.
        self._seen_once: dict[str, None] = {}
        # The library cannot remove labels in its multiprocess mode.
        self._can_evict = "PROMETHEUS_MULTIPROC_DIR" not in os.environ

    def count(self, code: str | None) -> None:
        """Count a click by its code, or by None if the code is not well-formed."""
        if code is None or not self._is_listed(code):
            CLICKS.labels(OTHERS).inc()
        else:
            CLICKS.labels(code).inc()

    def _is_listed(self, code: str) -> bool:
        if code in self._repeated:
            return True
        if code in self._seen_once:
            del self._seen_once[code]
            self._repeated.add(code)
            return True
        if len(self._repeated) + len(self._seen_once) >= self._max_codes:
            if not (self._seen_once and self._can_evict):
                return False
            self._evict(next(iter(self._seen_once)))
        self._seen_once[code] = None
        return True

    def _evict(self, code: str) -> None:
        """Move a code's only click to the other codes, so that the total stays the same."""
        del self._seen_once[code]
        CLICKS.remove(code)
        CLICKS.labels(OTHERS).inc()
