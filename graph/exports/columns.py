"""The columns of an export: where their values are in a list's rows, and who may see them.

A column is a path of names in `graph.query.entities`: an attribute, the sums of a row in all currencies, or a reference
or an amount and what is under it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from graph.domain.scope import Audience, withheld
from graph.query.entities import ENTITIES
from graph.query.entity import Entity
from graph.query.plan import Amounts, Field, RowField, RowPlan, Through

# What is shown of each of several amounts, as of single ones in columns of their own.
AMOUNT = (Field("amount", "decimal"), Field("currency", "currency"))


class Column(NamedTuple):
    """A column: its name, and the path to its value."""

    name: str
    path: tuple[str, ...]


def column(spelled: str) -> Column:
    """Return a column, given as `path.to.value` or as `name=path.to.value`."""
    name, _, path = spelled.rpartition("=")
    return Column(name or path.replace(".", "_"), tuple(path.split(".")))


def shown(entity: Entity, columns: Sequence[Column], audience: Audience) -> Sequence[Column]:
    """Return the columns without those that are withheld from an audience."""
    return [column for column in columns if not _is_withheld(entity, column.path, audience)]


def has_sums(entity: Entity, column: Column) -> bool:
    """Return whether a column has amounts in several currencies."""
    return column.path[0] in entity.sums


def row_plan(entity: Entity, columns: Sequence[Column], *, is_flat: bool = False) -> RowPlan:
    """Return the plan of the rows with the value of each column. Sums are lists of `Money` in a flat file, which has
    columns for them, and otherwise lists of objects."""
    return RowPlan(entity.name, tuple(_part(entity, column, is_flat=is_flat) for column in columns))


def _part(entity: Entity, column: Column, *, is_flat: bool) -> RowField:
    if has_sums(entity, column) and not is_flat:
        return Amounts(column.name, column.path[0], AMOUNT)
    return _field(column.name, column.path)


def _is_withheld(entity: Entity, path: Sequence[str], audience: Audience) -> bool:
    first, *rest = path
    if first in entity.references:
        return _is_withheld(ENTITIES[entity.references[first].entity], rest, audience)
    return withheld(entity.table, first, audience)


def _field(key: str, path: Sequence[str]) -> Field | Through:
    first, *rest = path
    return Through(key, first, _field(key, rest)) if rest else Field(key, first)
