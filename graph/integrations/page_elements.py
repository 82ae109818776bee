"""Reads a page's elements that matter to the tracker's tag, in time that grows with the page's size only.

Parsers that build a tree of nested elements take quadratic time for pages that are made for it. This one, libxml2's,
only reports elements as they begin.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from lxml import etree

Attributes: TypeAlias = Mapping[str, str]

NAMES = ("script", "meta", "base")
# Reading so much takes a millisecond or two. Clicks are let in between.
PART_BYTES = 16 * 1024


class _Elements:
    """Collects elements as a parser meets them."""

    def __init__(self) -> None:
        self.found: dict[str, list[Attributes]] = {name: [] for name in NAMES}

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag in self.found:
            self.found[tag].append(dict(attributes))

    def close(self) -> Mapping[str, Sequence[Attributes]]:
        return self.found


async def read_elements(html: bytes, encoding: str | None) -> Mapping[str, Sequence[Attributes]]:
    """Return the attributes of a page's scripts, metas and bases, in their order, by the elements' names. `encoding` is
    what the page's headers say, if they do."""
    target: Any = _Elements()  # the stubs ask for methods that the parser does without
    parser = etree.HTMLParser(target=target, encoding=encoding)
    try:
        for at in range(0, len(html), PART_BYTES):
            parser.feed(html[at : at + PART_BYTES])
            await asyncio.sleep(0)
        parser.close()
    except etree.LxmlError:
        pass  # an empty page, or one that is no HTML; what was read until then counts
    found: Mapping[str, Sequence[Attributes]] = target.found
    return found
