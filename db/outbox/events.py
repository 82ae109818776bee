"""The tables of the events that the outbox lists, by their kind."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, true

from db.outbox.conditions import CLICK, LEAD, REFUND, REJECTION, SALE
from db.schema.clicks import ClickEvent
from db.schema.commissions import Commission
from db.schema.conversions import LeadEvent, Refund, Sale


class EventTable(NamedTuple):
    """A table whose rows are events of one kind, those that meet a condition."""

    table: Any
    is_event: ColumnElement[bool]


EVENTS: Mapping[str, EventTable] = MappingProxyType(
    {
        CLICK: EventTable(ClickEvent, true()),
        LEAD: EventTable(LeadEvent, LeadEvent.confirmed_at.is_not(None)),
        SALE: EventTable(Sale, true()),
        REFUND: EventTable(Refund, true()),
        REJECTION: EventTable(Commission, Commission.status == "rejected"),
    }
)
