"""What is wanted of the database, as plain values: a tree of the fields, objects and pages that a client selected.

A shape holds no values (no ids, no dates, no page sizes), so what is compiled for it serves every request of the same
shape. Its order is the client's order, and `answer` is the name that the client gave to a part.
"""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeAlias

NEEDS_HORIZON = "follows"
"""Among a request's values: whether a page of it is read up to a horizon."""


class Field(NamedTuple):
    """A single value of a row."""

    response_key: str
    name: str


class Typename(NamedTuple):
    """The name of the type, known beforehand."""

    response_key: str
    type_name: str


class ToOne(NamedTuple):
    """Another row that the row points to, or null."""

    response_key: str
    name: str
    plan: "RowPlan"


class ToMany(NamedTuple):
    """A page of the rows that point to the row."""

    response_key: str
    name: str
    page: "PagePlan"


class _CachedHash:
    """A tree that is looked up by its value again and again: going through all of it once is enough."""

    size: int
    """How many parts there are in the tree."""
    _hash: int

    def __post_init__(self) -> None:
        own: Any = self  # those below are dataclasses
        values: Any = tuple(getattr(own, field.name) for field in fields(own))
        object.__setattr__(self, "_hash", hash(values))
        object.__setattr__(self, "size", _size(values))

    def __hash__(self) -> int:
        return self._hash


def _size(value: object) -> int:
    match value:
        case _CachedHash():
            return value.size
        case tuple():
            return 1 + sum(map(_size, value))
    return 0


@dataclass(frozen=True)
class RowPlan(_CachedHash):
    """What is wanted of one row."""

    entity: str
    parts: tuple[Field | Typename | ToOne | ToMany, ...]

    __hash__ = _CachedHash.__hash__


class Nodes(NamedTuple):
    """A page's rows."""

    response_key: str
    plan: RowPlan


class Cursor(NamedTuple):
    """A row's position in the list."""

    response_key: str


class Edges(NamedTuple):
    """A page's rows with their cursors; of an edge, `Nodes` is its one row."""

    response_key: str
    parts: tuple[Nodes | Cursor | Typename, ...]


class PageInfoFields(NamedTuple):
    """Where the page lies in the list."""

    response_key: str
    parts: tuple[Field | Typename, ...]


class TotalCount(NamedTuple):
    """How many rows the whole list has."""

    response_key: str


PageField: TypeAlias = Nodes | Edges | PageInfoFields | TotalCount | Typename


@dataclass(frozen=True)
class PagePlan(_CachedHash):
    """What is wanted of one page of a list. `number` tells it from the other pages of a request, and prefixes the names
    of its values; `bounds` are those of "after" and "before" that are given."""

    number: int
    entity: str
    order: str
    descending: bool
    filters: tuple[str, ...]
    bounds: tuple[str, ...]
    backwards: bool
    parts: tuple[PageField, ...]

    __hash__ = _CachedHash.__hash__

    @property
    def reads_descending(self) -> bool:
        """Whether rows are read from the largest on, as from the end of an ascending list."""
        return self.descending is not self.backwards

    def value(self, name: str) -> str:
        """Return the name of one of the page's values."""
        return f"page{self.number}_{name}"
