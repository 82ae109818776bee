"""The months that ids of clicks belong to on PostgreSQL.

An id begins with the year and the month in which it was given out: 2026110000000042 was one of November 2026. So an id
alone tells the partition, and ids still grow with time. SQLite has no partitions, and counts from one.
"""

from typing import NamedTuple

IDS_PER_MONTH = 10**10
MONTHS = 12


class Month(NamedTuple):
    """A month in UTC."""

    year: int
    number: int

    @property
    def first_id(self) -> int:
        """The first id of the month. Ids between its last one and the next month's first one are never given out."""
        return (100 * self.year + self.number) * IDS_PER_MONTH

    @property
    def name(self) -> str:
        """The month as people write it, such as `2026-11`."""
        return f"{self.year}-{self.number:02}"

    def later(self, months: int) -> "Month":
        """Return the month that is so many months later."""
        years, number = divmod(self.number - 1 + months, MONTHS)
        return Month(self.year + years, number + 1)


def month_of(id: int) -> Month | None:
    """Return the month that an id belongs to; None for one from before ids had months."""
    number = id // IDS_PER_MONTH
    return Month(number // 100, number % 100) if number else None
