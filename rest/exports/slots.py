"""Limits how many exports a process runs at a time, and lets one of them work at a time.

An export takes little memory, but much of the processor's time. Those of one token must not keep others from theirs.
"""

import asyncio
from collections import Counter
from typing import NamedTuple

from graph.domain.errors import ExportsBusy, TooManyExports
from graph.domain.scope import Viewer
from rest.exports.metrics import RUNNING

# Clients that read slowly keep theirs for long, but an export that waits for its client costs next to nothing.
AT_ONCE, AT_ONCE_PER_TOKEN = 16, 4


class ExportSlots:
    """The exports in progress. Whichever holds `working` reads and encodes a page, so a click waits for some
    rows of one at most."""

    def __init__(self) -> None:
        self.working = asyncio.Lock()
        self._running: Counter[Viewer] = Counter()

    def take(self, viewer: Viewer) -> "Slot":
        """Return a slot, which has to be given back. Raises `TooManyExports` if the token has its share of them, and
        `ExportsBusy` if none is left."""
        if self._running[viewer] >= AT_ONCE_PER_TOKEN:
            raise TooManyExports
        if self._running.total() >= AT_ONCE:
            raise ExportsBusy
        self._running[viewer] += 1
        RUNNING.inc()
        return Slot(self, viewer)

    def give_back(self, viewer: Viewer) -> None:
        """Give a slot of a token back."""
        self._running[viewer] -= 1
        self._running += Counter()  # without the tokens that have no slot left
        RUNNING.dec()


class Slot(NamedTuple):
    """The permission to run an export."""

    slots: ExportSlots
    viewer: Viewer

    @property
    def working(self) -> asyncio.Lock:
        """The lock that is held while a page is read and encoded."""
        return self.slots.working

    def give_back(self) -> None:
        """End the export."""
        self.slots.give_back(self.viewer)
