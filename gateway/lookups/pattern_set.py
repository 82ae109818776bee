"""Sets of RE2 patterns: one pass over a text tells which of them are in it, in time that grows with its length only."""

from collections.abc import Iterable
from typing import Any

import re2

# What an automaton may grow to while it matches. A set that cannot hold even one state answers "no match" instead of
# failing; the largest here fills a tenth of this.
SET_BYTES = 16 << 20


def any_of(*patterns: str, case: bool = False) -> str:
    """Return one pattern that finds any of these, in upper or lower case unless told that it matters."""
    return ("" if case else "(?i)") + "|".join(f"(?:{pattern})" for pattern in patterns)


class PatternSet:
    """Patterns by their position."""

    def __init__(self, patterns: Iterable[str], *, memory: int = SET_BYTES) -> None:
        options = re2.Options()
        options.max_mem = memory
        options.never_capture = True
        options.log_errors = False
        self._set: Any = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def found_in(self, text: str) -> Iterable[int]:
        """Return the positions of the patterns that are found in `text`, in no order."""
        found: Iterable[int] = self._set.Match(text) or ()
        return found
