"""Attribution: whether a conversion still belongs to the click before it. Pure functions.

The last click counts until the first conversion binds the customer; the window ends there.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from db.ingest.conversions.records import Unattributed

DAY = timedelta(days=1)


class AttributedClick(Struct, frozen=True, gc=False):
    """The click event that a conversion is attributed to."""

    event_id: int
    link_id: int
    partner_id: int
    occurred_at: datetime


def expired(click_at: datetime, converted_at: datetime, window_days: int) -> Unattributed | None:
    """Return why a conversion at a moment is too late for a click, or None if it is not. A conversion exactly
    `window_days` after the click is in time."""
    age = converted_at - click_at
    return Unattributed(age // DAY, window_days) if age > window_days * DAY else None
