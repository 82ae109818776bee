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


class Amounts(NamedTuple):
    """What a booking adds to reports; revenue and earnings in minor units."""

    leads: int = 0
    sales: int = 0
    revenue: int = 0
    earnings: int = 0


@dataclass(slots=True)
class Bookings:
    """The bookings of some conversions, one for each occasion and currency."""

    _sums: dict[tuple[Occasion, str, Attribution], Amounts] = field(default_factory=dict)

    def add(self, occasion: Occasion, attribution: Attribution, amounts: Amounts, currency: str = "") -> None:
        """Add to an occasion's booking in a currency."""
        key = (occasion, currency, attribution)
        self._sums[key] = Amounts(*map(sum, zip(self._sums.get(key, Amounts()), amounts, strict=True)))

    @property
    def rows(self) -> Sequence[RowValues]:
        """Return the values of `BOOKING` of each that adds anything."""
        return [(*key[0], key[1], *key[2], *sums) for key, sums in self._sums.items() if any(sums)]
