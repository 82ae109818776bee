"""The columns of an export: where their values are in a list's rows, and who may see them.

A column is a path of names in `graph.query.entities`: an attribute, or a reference or an amount and what is under it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from graph.domain.scope import Audience, withheld
from graph.query.entities import ENTITIES
from graph.query.entity import Entity
from graph.query.plan import Amounts, Field, RowField, RowPlan, ToOne
from graph.query.response_objects import values_at

# The names under each name of some paths, in the order in which they are read.
Tree: TypeAlias = dict[str, "Tree"]


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


class ColumnReader:
    """Reads the columns from the nodes of its plan."""

    def __init__(self, entity: Entity, columns: Sequence[Column]) -> None:
        tree = _tree(columns)
        self.plan = RowPlan(entity.name, _parts(entity, tree))
        self._positions = [_positions(tree, column.path) for column in columns]

    def read(self, nodes: Sequence[Any]) -> list[Sequence[Any]]:
        """Return the values of each column."""
        return [_values(nodes, positions) for positions in self._positions]


def _is_withheld(entity: Entity, path: Sequence[str], audience: Audience) -> bool:
    first, *rest = path
    if first in entity.references:
        return _is_withheld(ENTITIES[entity.references[first].entity], rest, audience)
    return withheld(entity.table, first, audience)


def _tree(columns: Sequence[Column]) -> Tree:
    root: Tree = {}
    for column in columns:
        branch = root
        for name in column.path:
            branch = branch.setdefault(name, {})
    return root


def _parts(entity: Entity, tree: Mapping[str, Tree]) -> tuple[RowField, ...]:
    return tuple(_part(entity, name, inner) for name, inner in tree.items())


def _part(entity: Entity, name: str, inner: Tree) -> RowField:
    if not inner:
        return Field(name, name)
    if name in entity.references:
        there = ENTITIES[entity.references[name].entity]
        return ToOne(name, name, RowPlan(there.name, _parts(there, inner)))
    return Amounts(name, name, tuple(Field(part, part) for part in inner))


def _positions(tree: Tree, path: Sequence[str]) -> Sequence[int]:
    found = []
    for name in path:
        found.append(list(tree).index(name))
        tree = tree[name]
    return found


def _values(nodes: Sequence[Any], positions: Sequence[int]) -> Sequence[Any]:
    values = nodes
    for position in positions:
        values = values_at(position, values)
    return values
