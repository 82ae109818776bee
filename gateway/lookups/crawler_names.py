"""The names of crawlers, from the list of the package `crawler-user-agents`.

The list's patterns are meant to be found anywhere in an agent, and so also find names that only contain them, such as
`Sogou` in `SogouMobileBrowser`. Here each has to be a word of its own.
"""

import re

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from gateway.lookups.pattern_set import PatternSet

# Under hostile agents the set fills about 16 MB; with the library's 8 MB it keeps dropping its states and takes twice
# as long.
SET_BYTES = 32 << 20
# Messengers and social networks fetch previews under the name that their apps' browsers have too.
SHARED_TAG = "social-preview"
FETCHER = re.compile(r"bot|crawl|spider|preview|proxy|fetch|external|unfurl|image|link|lookup", re.IGNORECASE)
WORD_START = re.compile(r"[\w\[(](?!\^)")
WORD_END = re.compile(r"(?<!\\)\w\Z")


class CrawlerNames:
    """One automaton for all names."""

    def __init__(self) -> None:
        entries = CRAWLER_USER_AGENTS_DATA
        self._names = PatternSet((as_word(entry["pattern"]) for entry in entries), memory=SET_BYTES)
        self._shared = {position for position, entry in enumerate(entries) if _is_shared(entry)}

    def named_in(self, text: str, *, apps: bool = False) -> bool:
        """Tell whether a crawler is named in `text`; `apps` counts the names that a crawler shares with an app."""
        return any(apps or position not in self._shared for position in self._names.found_in(text))


def as_word(pattern: str) -> str:
    """Return a pattern that matches only where no letter or digit goes on before or after it."""
    start = r"\b" if WORD_START.match(pattern) else ""
    end = r"\b" if WORD_END.search(pattern) else ""
    return f"{start}(?:{pattern}){end}"


def _is_shared(entry: dict[str, object]) -> bool:
    tags = entry.get("tags")
    return isinstance(tags, list) and SHARED_TAG in tags and not FETCHER.search(str(entry["pattern"]))
