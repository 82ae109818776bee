"""The terms in which it is said what can be read of a kind of row; `graph.query.entities` says it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, inspect
from sqlalchemy.orm import DeclarativeBase

from db.sql.commit_horizon import Horizon
from graph.query.cursors import Sort
from graph.query.global_ids import encode_id

# A mapped class, or an alias of one, whose attributes are columns of a statement.
Row: TypeAlias = Any
Values: TypeAlias = Mapping[str, BindParameter[Any]]


class Attribute(NamedTuple):
    """A value made of columns: which ones, and what is made of their values."""

    columns: Callable[[Row], Sequence[ColumnElement[Any]]]
    finish: Callable[..., Any] | None = None


class Reference(NamedTuple):
    """A row that this one points to: its kind, and when it is the one."""

    kind: str
    matches: Callable[[Row, Row], ColumnElement[bool]]


class Children(NamedTuple):
    """Rows that point to this one: their kind, and each column of theirs with this row's that it equals."""

    kind: str
    keys: Mapping[str, str]


class Part(NamedTuple):
    """Some of a list's rows: which ones, and the columns that have the order's values for them."""

    condition: Callable[[Row], ColumnElement[bool]]
    columns: Callable[[Row], Sequence[ColumnElement[Any]]]


class Order(NamedTuple):
    """A total order: the columns, which end with the key, and how a cursor writes their values. With a `horizon`, rows
    are read in ascending order only as far as their first column lies before it. An order whose columns have no index
    of their own has `parts`, each of which has one and every row is in one of."""

    columns: Callable[[Row], Sequence[ColumnElement[Any]]]
    sorts: Sequence[Sort]
    horizon: Horizon | None = None
    parts: Sequence[Part] = ()


class Filter(NamedTuple):
    """A condition on a row. `names` tells the kind whose id the filter takes, if it takes one; `spell` brings a text
    into the form in which it is stored, where there is just one."""

    condition: Callable[..., ColumnElement[bool]]
    names: str | None = None
    spell: Callable[[str], str] | None = None


class Lookup(NamedTuple):
    """A way to find rows: the condition, given the values by name. `lists` names a value that is a list. `is_unique`
    tells that there is one row at most."""

    condition: Callable[[Row, Values], ColumnElement[bool]]
    values: tuple[str, ...]
    lists: str | None = None
    is_unique: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be read of one kind of row. Every column of the table is an attribute by its own name already."""

    name: str
    table: type[DeclarativeBase]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    children: Mapping[str, Children] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    is_large: bool = False
    """Whether its lists are read program by program, so that no query crosses programs."""

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(str(column.key) for column in inspect(self.table).primary_key)

    def attribute(self, name: str) -> Attribute:
        """Return an attribute: one of the catalogue's, `id`, or a column. Raises `AttributeError`."""
        if name in self.attributes:
            return self.attributes[name]
        if name == "id":
            return Attribute(self.key_columns, lambda *key: encode_id(self.name, *key))
        # A moment stays one: it is in UTC, and the encoder writes it as the API does.
        column = "id" if name == "database_id" else name
        return Attribute(lambda row: [getattr(row, column)])

    def key_columns(self, row: Row) -> Sequence[ColumnElement[Any]]:
        return [getattr(row, name) for name in self.key]
