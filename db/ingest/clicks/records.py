"""A click and a test click as the writer takes them, and the receipt for a click.

They are structs of msgspec, like all that is made for every click: see `db.schema.visit_structs`.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from db.ingest.recordable import Recordable
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


class Receipt(Struct, frozen=True, gc=False):
    """What was committed for a click: the customer's `click_id` and the link that it was recorded for.
    `replayed` where an earlier click with the same `event_id` is the one that counted."""

    click_id: str
    link_id: int
    replayed: bool = False


class Click(Recordable[Receipt], frozen=True, gc=False):
    """A click to be recorded for a link that has a program and a partner. It happened when it was received."""

    noun = "click"

    program_id: int
    link_id: int
    partner_id: int
    affiliate_url: str
    visit: VisitRecord


class TestClick(Recordable[int], frozen=True, gc=False):
    """A click sent in test mode. Its outcome is the id of its row."""

    noun = "click"

    program_id: int | None
    affiliate_url: str | None
    visit: VisitRecord
