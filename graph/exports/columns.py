"""The columns of an export: where their values are in a list's rows, and who may see them.

A column is a path of names in `graph.query.entities`: an attribute, or a reference or an amount and what is under it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from graph.domain.scope import Audience, withheld
from graph.query.entities import ENTITIES
from graph.query.entity import Entity
from graph.query.plan import Field, RowPlan, Through


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


def row_plan(entity: Entity, columns: Sequence[Column]) -> RowPlan:
    """Return the plan of the rows with the value of each column."""
    return RowPlan(entity.name, tuple(_field(column.name, column.path) for column in columns))


def _is_withheld(entity: Entity, path: Sequence[str], audience: Audience) -> bool:
    first, *rest = path
    if first in entity.references:
        return _is_withheld(ENTITIES[entity.references[first].entity], rest, audience)
    return withheld(entity.table, first, audience)


def _field(key: str, path: Sequence[str]) -> Field | Through:
    first, *rest = path
    return Through(key, first, _field(key, rest)) if rest else Field(key, first)
