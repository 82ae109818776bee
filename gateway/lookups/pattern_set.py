"""Sets of RE2 patterns, all of which are matched in one pass over a text, in time linear in its length."""

from collections.abc import Iterable
from typing import Any

import re2

# The size to which an automaton may grow while matching. A set without room for a single state reports no match instead
# of failing; the largest set here takes a tenth of this size.
SET_BYTES = 16 << 20


def any_of(*patterns: str, case: bool = False) -> str:
    """Return a pattern that matches any of these, ignoring case unless `case` is set."""
    return ("" if case else "(?i)") + "|".join(f"(?:{pattern})" for pattern in patterns)


class PatternSet:
    """A set of patterns, which are identified by their positions."""

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
        """Return the positions of the patterns that occur in `text`, in no particular order."""
        found: Iterable[int] = self._set.Match(text) or ()
        return found
