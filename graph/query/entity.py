"""The types that describe an entity: what can be read of it, and how its lists are sorted and filtered.

`graph.query.entities` uses them to describe each entity.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Select, inspect
from sqlalchemy.orm import DeclarativeBase

from db.sql.commit_horizon import Horizon
from graph.query.cursors import Sort
from graph.query.global_ids import encode_id

# A mapped class or an alias of one, whose attributes are columns.
MappedRow: TypeAlias = Any
Parameters: TypeAlias = Mapping[str, BindParameter[Any]]
# Selects the columns `currency` and `amount`.
AmountSelect: TypeAlias = Select[*tuple[Any, ...]]
# Returns the condition under which a row is in the viewer's scope.
Visible: TypeAlias = Callable[[MappedRow], ColumnElement[bool]]


class Attribute(NamedTuple):
    """A value computed from columns: the columns, and the function applied to their values, if any."""

    columns: Callable[[MappedRow], Sequence[ColumnElement[Any]]]
    finish: Callable[..., Any] | None = None


class CurrencySums(NamedTuple):
    """Amounts that belong to a row, added up by currency. Each part is given the row, and the function that
    restricts other rows to the viewer's scope."""

    parts: Sequence[Callable[[MappedRow, Visible], AmountSelect]]


class Reference(NamedTuple):
    """A row that this one points to: its entity, and the join condition."""

    entity: str
    matches: Callable[[MappedRow, MappedRow], ColumnElement[bool]]


class Children(NamedTuple):
    """Rows that point to this one: their entity, and which of their columns equals which of this row's."""

    entity: str
    keys: Mapping[str, str]


class OrderPartition(NamedTuple):
    """A subset of a list's rows for which an index has the order: the condition, and the columns that hold the order's
    values."""

    condition: Callable[[MappedRow], ColumnElement[bool]]
    columns: Callable[[MappedRow], Sequence[ColumnElement[Any]]]


class Order(NamedTuple):
    """A total order: its columns, ending with the key, and how cursors encode their values. With a `horizon`, rows are
    read in ascending order only as far as their first column is before it. An order whose expressions have no index is
    split into `partitions`, which have one each and together cover all rows."""

    columns: Callable[[MappedRow], Sequence[ColumnElement[Any]]]
    sorts: Sequence[Sort]
    horizon: Horizon | None = None
    partitions: Sequence[OrderPartition] = ()


class Filter(NamedTuple):
    """A condition on a row. `names` is the entity whose global id the filter takes, if any. `spell` normalizes text to
    the form in which it is stored. `on_cluster` is the condition on a cluster, if that has another form."""

    condition: Callable[..., ColumnElement[bool]]
    names: str | None = None
    spell: Callable[[str], str] | None = None
    on_cluster: Callable[..., ColumnElement[bool]] | None = None


class Lookup(NamedTuple):
    """A way to find rows: the condition, given its parameters by name. `lists` names the parameter that is a list, if
    any; `is_unique` means that at most one row matches."""

    condition: Callable[[MappedRow, Parameters], ColumnElement[bool]]
    values: tuple[str, ...]
    lists: str | None = None
    is_unique: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """What can be read of one type of row. Every column of its table is an attribute of the same name."""

    name: str
    table: type[DeclarativeBase]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    sums: Mapping[str, CurrencySums] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    children: Mapping[str, Children] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    is_large: bool = False
    """Whether lists are read program by program, so that no query spans programs."""

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(str(column.key) for column in inspect(self.table).primary_key)

    def attribute(self, name: str) -> Attribute:
        """Return an attribute: a declared one, `id`, or a column. Raises `AttributeError`."""
        if name in self.attributes:
            return self.attributes[name]
        if name == "id":
            return Attribute(self.key_columns, partial(encode_id, self.name))
        # Times stay as they are: they are in UTC, and the encoder formats them.
        column = "id" if name == "database_id" else name
        return Attribute(lambda row: [getattr(row, column)])

    def key_columns(self, row: MappedRow) -> Sequence[ColumnElement[Any]]:
        return [getattr(row, name) for name in self.key]
