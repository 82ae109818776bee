"""What can be asked of segments, and what is answered.

Dimensions are named by their columns; besides, there are `program`, `partner` and `link`, whose values are ids, and the
hour of the day and the day of the week by the clocks of a time zone, whose values are numbers: 0 to 23, and 0 (Monday)
to 6. None stands for what is not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

PROGRAM, PARTNER, LINK = "program", "partner", "link"
HOUR_OF_DAY, DAY_OF_WEEK = "hour_of_day", "day_of_week"
SUBJECTS = (PROGRAM, PARTNER, LINK)
TIMES = (HOUR_OF_DAY, DAY_OF_WEEK)

Value: TypeAlias = str | int
Key: TypeAlias = tuple[Value | None, ...]
"""A value for each dimension."""


class In(NamedTuple):
    """Events with one of some values of a dimension, or with `is_excluded` those with any other and with none."""

    dimension: str
    values: frozenset[Value]
    is_excluded: bool = False


class HasPrefix(NamedTuple):
    """Events whose value of a dimension begins with a text."""

    dimension: str
    prefix: str


class IsKnown(NamedTuple):
    """Events whose value of a dimension is known, or is not."""

    dimension: str
    is_known: bool


Condition: TypeAlias = In | HasPrefix | IsKnown


class Offset(NamedTuple):
    """The offset of a time zone from UTC, from a moment on until the next; both in microseconds."""

    from_at: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which events count: those from `start_at` (inclusive) to `end_at` (exclusive), in microseconds since 1970, that
    meet all conditions. None does not restrict."""

    start_at: int
    end_at: int
    partner_ids: frozenset[int] | None = None
    link_ids: frozenset[int] | None = None
    is_bot: bool | None = None
    conditions: tuple[Condition, ...] = ()
    offsets: tuple[Offset, ...] = (Offset(0, 0),)
    """Those of the time zone, for the hour of the day and the day of the week."""


class Order(StrEnum):
    """What groups are ordered by; equal ones by their values."""

    CLICKS = "clicks"
    PEOPLE = "people"
    VISITORS = "visitors"
    CUSTOMERS = "customers"
    LEADS = "leads"
    SALES = "sales"
    VALUE = "value"
    RANKING = "ranking"
    """By clicks, and those without any by their sales, then by their leads; programs, partners and links with equal
    numbers by their ids as texts. It has no cursors."""


class Cursor(NamedTuple):
    """The place of a group in its order: the number that it is ordered by, 0 with `Order.VALUE`, and its key."""

    number: int
    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Groups of events by one to three dimensions, in an order: the first few after a cursor and an offset. Without a
    dimension, there is one group, of all events."""

    by: tuple[str, ...] = ()
    order: Order = Order.CLICKS
    is_descending: bool = True
    first: int = 20
    after: Cursor | None = None
    offset: int = 0
    """How many groups after the cursor come before the page."""
    search: tuple[str, ...] | None = None
    """Other groups than those with a value that contains one of these texts are left out."""
    edges: tuple[int, ...] = ()
    """Where the buckets of each group's series begin and end, in microseconds; none without a series."""
    with_visitors: bool = False
    with_conversions: bool = True
    """Whether bookings count, too. Groups may have bookings without clicks."""
    with_rest: bool = False


class Amount(NamedTuple):
    """Amounts in one currency, in its minor units."""

    currency: str
    revenue: int
    earnings: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What some events add up to. `visitors` are the different customers who clicked."""

    people: int = 0
    bots: int = 0
    customers: int = 0
    visitors: int = 0
    leads: int = 0
    sales: int = 0
    amounts: tuple[Amount, ...] = ()

    @property
    def clicks(self) -> int:
        return self.people + self.bots


NOTHING = Sums()


@dataclass(frozen=True, slots=True)
class Group:
    """A key, what its events add up to, and the same for each bucket that has any, by its number."""

    key: Key
    sums: Sums
    cursor: Cursor
    buckets: Mapping[int, Sums] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of groups, how many there are in all, and what all groups after the page add up to."""

    groups: Sequence[Group]
    total_count: int
    rest: Sums
    has_next: bool
