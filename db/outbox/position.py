"""How far a consumer has come in the log, where rows may become visible after rows with larger ids.

PostgreSQL takes a row's id from a sequence before the transaction commits. A consumer that remembered only the largest
id it has seen would skip the rows of slower transactions; so it remembers the ids in between, too, until no transaction
is left that could commit them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Gap(NamedTuple):
    """Ids that had no visible row, from the first to the last. Any row that they get is of a transaction with a number
    below `horizon`."""

    first_id: int
    last_id: int
    horizon: int

    def without(self, ids: Sequence[int]) -> "Iterator[Gap]":
        """Yield what is left of the gap after some of its ids, in ascending order, were found."""
        first = self.first_id
        for id in ids:
            if first < id:
                yield self._replace(first_id=first, last_id=id - 1)
            first = id + 1
        if first <= self.last_id:
            yield self._replace(first_id=first)


class Transactions(NamedTuple):
    """What was known of running transactions as rows were read. SQLite, whose transactions commit in the order of their
    ids, has 0 for both."""

    oldest_running: int
    """All transactions with a lower number had ended before the rows were read."""
    next_number: int
    """All that had begun when the rows were read have a lower number."""


@dataclass(frozen=True, slots=True)
class Position:
    """Every row up to `reached` is processed, except those in the gaps, which are sorted and do not overlap."""

    reached: int = 0
    gaps: tuple[Gap, ...] = ()

    @property
    def complete_to(self) -> int:
        """The largest id up to which nothing is missing."""
        return self.gaps[0].first_id - 1 if self.gaps else self.reached

    def advanced(self, ids: Sequence[int], transactions: Transactions, *, read_all: bool) -> "Position":
        """Return the position after rows were processed, given by their ids in ascending order: the first of all rows
        in gaps or beyond the position that were visible, or all of them if `read_all`."""
        gaps: list[Gap] = []
        for gap in self.gaps:
            # What was not found although all transactions have ended that could commit it was rolled back.
            if not read_all or gap.horizon > transactions.oldest_running:
                gaps += gap.without([id for id in ids if gap.first_id <= id <= gap.last_id])
        reached = self.reached
        for id in ids:
            if id > reached:
                if id > reached + 1 and transactions.next_number > transactions.oldest_running:
                    gaps.append(Gap(reached + 1, id - 1, transactions.next_number))
                reached = id
        return Position(reached, tuple(gaps))
