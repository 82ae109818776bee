"""Finds the names of crawlers, using the list of the package `crawler-user-agents`.

The list's patterns match anywhere in an agent, and therefore in longer names, too, such as `Sogou` in
`SogouMobileBrowser`. Here each pattern has to match a whole word.
"""

import re

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from gateway.lookups.pattern_set import PatternSet

# Hostile agents make the automaton grow to about 16 MB. With the library's default of 8 MB it keeps discarding states
# and takes twice as long.
SET_BYTES = 32 << 20
# Messengers and social networks fetch previews under the same name that their apps' browsers use.
SHARED_TAG = "social-preview"
FETCHER = re.compile(r"bot|crawl|spider|preview|proxy|fetch|external|unfurl|image|link|lookup", re.IGNORECASE)
WORD_START = re.compile(r"[\w\[(](?!\^)")
WORD_END = re.compile(r"(?<!\\)\w\Z")


class CrawlerNames:
    """The names of all crawlers, matched by one automaton."""

    def __init__(self) -> None:
        entries = CRAWLER_USER_AGENTS_DATA
        self._names = PatternSet((as_word(entry["pattern"]) for entry in entries), memory=SET_BYTES)
        self._shared = {position for position, entry in enumerate(entries) if _is_shared(entry)}

    def named_in(self, text: str, *, apps: bool = False) -> bool:
        """Return whether `text` names a crawler. With `apps`, names that a crawler shares with an app count, too."""
        return any(apps or position not in self._shared for position in self._names.found_in(text))


def as_word(pattern: str) -> str:
    """Return a pattern that matches only whole words."""
    start = r"\b" if WORD_START.match(pattern) else ""
    end = r"\b" if WORD_END.search(pattern) else ""
    return f"{start}(?:{pattern}){end}"


def _is_shared(entry: dict[str, object]) -> bool:
    tags = entry.get("tags")
    return isinstance(tags, list) and SHARED_TAG in tags and not FETCHER.search(str(entry["pattern"]))
