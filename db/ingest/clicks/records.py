"""What the click writer takes and gives: a click, a test click, and the receipt for a click.

They are structs of msgspec, like all that is made for every click: see `db.schema.visit_structs`.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from db.schema.visit_fields import VISIT_FIELDS
from db.schema.visit_structs import Stored, with_fields


@with_fields(VISIT_FIELDS)
class VisitRecord(Struct, frozen=True, gc=False):
    """What is stored of a visit: a value for each of `VISIT_FIELDS`, in their order, already cut to its length and free
    of NULs."""

    if TYPE_CHECKING:
        event_id: str | None
        existing_click_id: str | None

        def __init__(self, *values: Stored, **named: Stored) -> None: ...


class Click(Struct, frozen=True, gc=False):
    """A click to be recorded for a link that has a program and a partner."""

    program_id: int
    link_id: int
    partner_id: int
    occurred_at: datetime
    affiliate_url: str
    visit: VisitRecord


class TestClick(Struct, frozen=True, gc=False):
    """A click sent in test mode."""

    program_id: int | None
    occurred_at: datetime
    affiliate_url: str | None
    visit: VisitRecord


class Receipt(Struct, frozen=True, gc=False):
    """What was committed for a click: the customer's `click_id` and the link that it was recorded for.
    `replayed` where an earlier click with the same `event_id` is the one that counted."""

    click_id: str
    link_id: int
    replayed: bool = False
