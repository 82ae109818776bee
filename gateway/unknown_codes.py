"""Clicks whose code no link has, by code: each is a partner's lost credit, of a link that is misspelt or was deleted.

Anybody can send any text, so only what has the form of a code is kept, and only so many codes. Probes push each other
out; a code that is clicked again stays.
"""

import os

from prometheus_client import Counter

# A scrape grows by about 100 bytes for each.
MOST_CODES = 200
OTHERS = ""
CLICKS = Counter(
    "clickgate_unknown_code_clicks",
    'Clicks that were refused because no link has their code, by code; "" for all codes that are not listed',
    ["code"],
)


class UnknownCodes:
    """Counts clicks by their unknown code, in this process."""

    def __init__(self, *, most_codes: int = MOST_CODES) -> None:
        self._most_codes = most_codes
        self._repeated: set[str] = set()
        # In the order in which they were seen.
        self._seen_once: dict[str, None] = {}
        # The library cannot remove a label that several processes write.
        self._may_forget = "PROMETHEUS_MULTIPROC_DIR" not in os.environ

    def count(self, code: str | None) -> None:
        """Count a click with a code that has the form of one, or with anything else: None."""
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
        if len(self._repeated) + len(self._seen_once) >= self._most_codes:
            if not (self._seen_once and self._may_forget):
                return False
            self._forget(next(iter(self._seen_once)))
        self._seen_once[code] = None
        return True

    def _forget(self, code: str) -> None:
        """Count the only click of a code among the others, so that the sum stays."""
        del self._seen_once[code]
        CLICKS.remove(code)
        CLICKS.labels(OTHERS).inc()
