"""What conversions add to reports, as new rows of `conversion_bookings`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from db.sql.batch_statements import RowValues

BOOKING = (
    *("program_id", "kind", "id", "occurred_at", "currency", "partner_id", "link_id", "click_event_id"),
    *("leads", "sales", "revenue", "earnings"),
)
SUMS = 4


class Occasion(NamedTuple):
    """A conversion as the outbox lists it, and when it happened."""

    program_id: int
    kind: str
    id: int
    occurred_at: datetime


class Attribution(NamedTuple):
    """Whom a conversion is credited to, and the click event that it is attributed to."""

    partner_id: int
    link_id: int
    click_event_id: int


@dataclass(slots=True)
class Bookings:
    """The bookings of some conversions, one for each occasion and currency."""

    _sums: dict[tuple[Occasion, str, Attribution], list[int]] = field(default_factory=dict)

    def add(
        self,
        occasion: Occasion,
        attribution: Attribution,
        currency: str = "",
        *,
        leads: int = 0,
        sales: int = 0,
        revenue: int = 0,
        earnings: int = 0,
    ) -> None:
        """Add to an occasion's booking in a currency."""
        sums = self._sums.setdefault((occasion, currency, attribution), [0] * SUMS)
        for at, amount in enumerate((leads, sales, revenue, earnings)):
            sums[at] += amount

    @property
    def rows(self) -> Sequence[RowValues]:
        """Return the values of `BOOKING` of each that adds anything."""
        return [(*key[0], key[1], *key[2], *sums) for key, sums in self._sums.items() if any(sums)]
