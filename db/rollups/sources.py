"""What is added up in rollups: clicks, and the bookings of conversions.

Aggregation, recounts and reports are written once for both.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, and_, cast, func, literal_column

from db.outbox.conditions import CLICK, LEAD, REFUND, REJECTION, SALE, covers, waits_for
from db.partitions.horizon import first_day, first_id
from db.rollups.aggregation import KEY, BookingHead, ClickHead, HeadType, RollupSums
from db.rollups.sums import BOOKED, COUNTERS, counts_of, makes_customer
from db.schema.clicks import ClickEvent
from db.schema.dropped import DroppedRollup
from db.schema.outbox import OutboxRange
from db.schema.rollups import ClickRollup, ConversionBooking, ConversionRollup
from db.sql.functions import quarter_number
from db.sql.top_n_per_group import Joined, rows_of


class RollupSource(ABC):
    """Events of one sort, the table of rollups in which they are added up, and the consumer of the outbox that does so.
    Every event has a program, a partner, a link, and an `occurred_at`."""

    consumer: ClassVar[str]
    """The consumer's name in the outbox."""
    noun: ClassVar[str]
    kinds: ClassVar[frozenset[str]]
    """The kinds of the outbox's events that the rows of `event` belong to."""
    event: ClassVar[Any]
    rollup: ClassVar[Any]
    dropped: ClassVar[Any] = None
    """The table of what events that were dropped add to rollups that have other events, too."""
    head: ClassVar[HeadType]
    keys: ClassVar[tuple[str, ...]]
    """The columns of the rollups' key that follow `KEY`."""
    counters: ClassVar[tuple[str, ...]]
    """The columns of rollups that are added up."""
    reported: ClassVar[tuple[str, ...]]
    """The names of what reports add up."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the rollups' primary key."""
        return (*KEY, *self.keys)

    @property
    def waiting(self) -> ColumnElement[bool]:
        """Whether a row of the log has events that are not in the rollups yet."""
        return waits_for(self.consumer, self.kinds)

    def sums(self) -> RollupSums:
        """Return empty sums of its events."""
        return RollupSums(self.head, self.counters)

    def fields(self, event: Any, click: Any) -> list[ColumnElement[Any]]:
        """Return what `RollupSums.add` takes of an event and its click."""
        place = (event.program_id, event.partner_id, event.link_id, quarter_number(event.occurred_at))
        return [*place, *self._head(event, click)]

    @abstractmethod
    def _head(self, event: Any, click: Any) -> Sequence[ColumnElement[Any]]:
        """Return the fields of `head` that follow the quarter of an hour."""

    def is_there(self, event: Any) -> Sequence[ColumnElement[bool]]:
        """Return the conditions that rollups can be made from an event: of clicks that were dropped, some are left.
        For statements that read events only."""
        return ()

    def is_of_events(self, rollup: Any) -> Sequence[ColumnElement[bool]]:
        """Return the conditions that all of a rollup can be made from events, and from rows of `dropped`."""
        return ()

    @abstractmethod
    def kind(self, event: Any) -> ColumnElement[str]:
        """Return the kind of an event in the outbox."""

    @abstractmethod
    def covers(self, event: Any) -> ColumnElement[bool]:
        """Return whether a row of the log, of one of `kinds`, covers an event."""

    @abstractmethod
    def clicked(self, events: FromClause, event: Any, *, is_sqlite: bool, program_id: Any = None) -> Joined:
        """Join events with the click that each is reported by. A cluster has to know the program if all of them are of
        one and their number is limited."""

    @abstractmethod
    def rolled_up(self, rollup: Any, is_bot: bool | None) -> list[ColumnElement[int]]:
        """Return what a rollup adds to each of `reported`, by its name. `is_bot` restricts a report to bots' or to
        people's clicks and their conversions."""

    @abstractmethod
    def counts(self, event: Any) -> list[ColumnElement[int]]:
        """Return what the selected events add to each of `reported`, by its name."""


class ClickSource(RollupSource):
    """Clicks, counted."""

    consumer = "rollups"
    noun = "rollups"
    kinds = frozenset({CLICK})
    event = ClickEvent
    rollup = ClickRollup
    dropped = DroppedRollup
    head = ClickHead
    keys = ()
    counters = reported = COUNTERS

    def _head(self, event: Any, click: Any) -> Sequence[ColumnElement[Any]]:
        return cast(event.is_bot, Integer), cast(makes_customer(event), Integer)

    def is_there(self, event: Any) -> Sequence[ColumnElement[bool]]:
        # In a form that leaves the choice of an index to other conditions.
        return event.id + 0 >= first_id(), quarter_number(event.occurred_at) >= quarter_number(first_day())

    def is_of_events(self, rollup: Any) -> Sequence[ColumnElement[bool]]:
        return (rollup.bucket_at >= first_day(),)

    def kind(self, event: Any) -> ColumnElement[str]:
        return literal_column(f"'{CLICK}'")

    def covers(self, event: Any) -> ColumnElement[bool]:
        return covers(event)

    def clicked(self, events: FromClause, event: Any, *, is_sqlite: bool, program_id: Any = None) -> Joined:
        return Joined(events, event)

    def rolled_up(self, rollup: Any, is_bot: bool | None) -> list[ColumnElement[int]]:
        return [getattr(rollup, name) for name in self.reported]

    def counts(self, event: Any) -> list[ColumnElement[int]]:
        return counts_of(event)


class ConversionSource(RollupSource):
    """Bookings, added up by currency; those of bots' clicks beside those of people's."""

    consumer = "conversions"
    noun = "conversion rollups"
    kinds = frozenset({LEAD, SALE, REFUND, REJECTION})
    event = ConversionBooking
    rollup = ConversionRollup
    head = BookingHead
    keys = ("currency",)
    counters = (*BOOKED, *(f"bot_{name}" for name in BOOKED))
    reported = BOOKED

    def _head(self, event: Any, click: Any) -> Sequence[ColumnElement[Any]]:
        return event.currency, cast(click.is_bot, Integer), *(getattr(event, name) for name in BOOKED)

    def kind(self, event: Any) -> ColumnElement[str]:
        kind: ColumnElement[str] = event.kind
        return kind

    def covers(self, event: Any) -> ColumnElement[bool]:
        return and_(event.kind == OutboxRange.kind, covers(event))

    def clicked(self, events: FromClause, event: Any, *, is_sqlite: bool, program_id: Any = None) -> Joined:
        def is_its_click(click: Any) -> list[ColumnElement[bool]]:
            found = [click.program_id == event.program_id, click.id == event.click_event_id]
            return found if program_id is None else [*found, click.program_id == program_id]

        # On PostgreSQL, a plain join might read all clicks of the program.
        return rows_of(events, ClickEvent, is_its_click, is_sqlite=is_sqlite)

    def rolled_up(self, rollup: Any, is_bot: bool | None) -> list[ColumnElement[int]]:
        return [_of_either(rollup, name, is_bot).label(name) for name in BOOKED]

    def counts(self, event: Any) -> list[ColumnElement[int]]:
        return [cast(func.sum(getattr(event, name)), BigInteger).label(name) for name in BOOKED]


def _of_either(rollup: Any, name: str, is_bot: bool | None) -> ColumnElement[int]:
    people, bots = getattr(rollup, name), getattr(rollup, f"bot_{name}")
    of_either: ColumnElement[int] = people + bots if is_bot is None else bots if is_bot else people
    return of_either


CLICKS: RollupSource = ClickSource()
CONVERSIONS: RollupSource = ConversionSource()
SOURCES = (CLICKS, CONVERSIONS)
