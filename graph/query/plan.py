"""Query plans: what to read from the database, as a tree of the fields, rows and pages that a client selected.

A plan holds no values (no ids, dates or page sizes), so the statement compiled for it serves every request of the same
form. Fields are in the client's order; `response_key` is the key under which the client expects a value.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from sys import getsizeof
from typing import Any, Literal, NamedTuple, TypeAlias

NEEDS_HORIZON = "follows"
"""The parameter that tells whether one of the request's pages is read only up to a horizon."""


class Field(NamedTuple):
    """A single value of a row: as it is shown, or in a table an amount or the list of a row's sums."""

    response_key: str
    name: str


class Typename(NamedTuple):
    """The `__typename`, known in advance."""

    response_key: str
    type_name: str


class Amounts(NamedTuple):
    """An amount of money or a list of them, with the selected fields of each."""

    response_key: str
    name: str
    parts: "tuple[Field | Typename, ...]"


class ToOne(NamedTuple):
    """Another row that the row points to, or null."""

    response_key: str
    name: str
    plan: "RowPlan"


class Through(NamedTuple):
    """A value of another row that the row points to, or of an amount, in place of an object. Null if there is none."""

    response_key: str
    name: str
    part: "Field | Through"


class ToMany(NamedTuple):
    """A page of the rows that point to the row."""

    response_key: str
    name: str
    page: "PagePlan"


class _CachedHash:
    """Computes the hash of a plan once: plans are large, and looked up in caches for every request."""

    size_bytes: int
    """The memory that the tree takes, approximately."""
    _hash: int

    def __post_init__(self) -> None:
        own: Any = self  # every subclass is a dataclass
        values: Any = tuple(getattr(own, field.name) for field in fields(own))
        object.__setattr__(self, "_hash", hash(values))
        object.__setattr__(self, "size_bytes", _size_bytes(values))

    def __hash__(self) -> int:
        return self._hash


def _size_bytes(value: object) -> int:
    match value:
        case _CachedHash():
            return value.size_bytes
        case tuple():
            return getsizeof(value) + sum(map(_size_bytes, value))
        case str():
            return getsizeof(value)
    return 0


RowField: TypeAlias = Field | Typename | Amounts | ToOne | Through | ToMany


@dataclass(frozen=True)
class RowPlan(_CachedHash):
    """The selected fields of one row."""

    entity: str
    parts: "tuple[RowField, ...]"

    __hash__ = _CachedHash.__hash__


class Nodes(NamedTuple):
    """The rows of a page."""

    response_key: str
    plan: RowPlan


class Cursor(NamedTuple):
    """A row's position in the list."""

    response_key: str


class Edges(NamedTuple):
    """The rows of a page with their cursors. Within an edge, `Nodes` is its single row."""

    response_key: str
    parts: tuple[Nodes | Cursor | Typename, ...]


class Table(NamedTuple):
    """The rows of a page with their cursors, as columns of values."""

    response_key: str
    plan: RowPlan


class PageInfoFields(NamedTuple):
    """The selected fields of `pageInfo`."""

    response_key: str
    parts: tuple[Field | Typename, ...]


class TotalCount(NamedTuple):
    """The number of rows in the whole list."""

    response_key: str


class ConditionForm(NamedTuple):
    """A condition on a dimension, without its values."""

    dimension: str
    kind: Literal["in", "not in", "prefix", "known", "not known"]


PageField: TypeAlias = Nodes | Edges | Table | PageInfoFields | TotalCount | Typename


@dataclass(frozen=True)
class PagePlan(_CachedHash):
    """The selected fields of one page of a list. `number` distinguishes it from other pages of the request and prefixes
    the names of its parameters; `bounds` are those of "after" and "before" that are given."""

    number: int
    entity: str
    order: str
    descending: bool
    filters: tuple[str, ...]
    bounds: tuple[str, ...]
    backwards: bool
    parts: tuple[PageField, ...]
    conditions: tuple[ConditionForm, ...] = ()

    __hash__ = _CachedHash.__hash__

    @property
    def reads_descending(self) -> bool:
        """Whether rows are read in descending order, as they are for the last page of an ascending list."""
        return self.descending is not self.backwards

    @property
    def nodes(self) -> Iterator[Nodes]:
        """The nodes that are selected, by themselves or in edges."""
        for part in self.parts:
            if isinstance(part, Nodes):
                yield part
            elif isinstance(part, Edges):
                yield from (inner for inner in part.parts if isinstance(inner, Nodes))

    @property
    def tables(self) -> Iterator[Table]:
        """The rows that are selected as columns."""
        return (part for part in self.parts if isinstance(part, Table))

    @property
    def row_plans(self) -> Iterator[RowPlan]:
        """What is selected of each row, once for each way in which rows are selected."""
        yield from (nodes.plan for nodes in self.nodes)
        yield from (table.plan for table in self.tables)

    def value(self, name: str) -> str:
        """Return the name of one of the page's parameters."""
        return f"page{self.number}_{name}"
