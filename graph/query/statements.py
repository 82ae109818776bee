"""The statements that plans are compiled to: their queries, and the functions that take their result rows apart.

They hold no values either, so one statement serves every request of the same form.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from db.sql.compiled_queries import DialectQuery
from graph.query.plan import Nodes, Table
from graph.query.select_builder import NestedConnection, NodesFactory, TableFactory

TupleGetter: TypeAlias = Callable[[Sequence[Any]], tuple[Any, ...]]


class PageStatement(NamedTuple):
    """The queries of a page: its rows and its total count, each None if not selected. `parent` and `position` take the
    parent's key and the sort values out of a row; `node_factories` build its nodes. `size_bytes` estimates the memory
    that it takes."""

    rows: DialectQuery | None
    total: DialectQuery | None
    parent: TupleGetter
    position: TupleGetter
    node_factories: Mapping[Nodes, NodesFactory]
    nested: Sequence[NestedConnection]
    table_factories: Mapping[Table, TableFactory] = MappingProxyType({})
    size_bytes: int = 0

    @property
    def is_single(self) -> bool:
        """Whether a single query suffices, which needs no snapshot."""
        return not self.nested and (self.rows is None or self.total is None)


class InlineConnection(NamedTuple):
    """A connection under a single row, read in the same statement with one child per result row. `child` takes the
    child's key out of a row; the key is null if there are no children."""

    nested: NestedConnection
    statement: PageStatement
    child: TupleGetter


class RowsStatement(NamedTuple):
    """The query of a lookup. `key` takes the primary key out of a row, and `build` makes the nodes. `size_bytes`
    estimates the memory that it takes."""

    rows: DialectQuery
    key: TupleGetter
    build: NodesFactory
    nested: Sequence[NestedConnection]
    size_bytes: int
    inline: InlineConnection | None = None

    @property
    def is_single(self) -> bool:
        """Whether a single query suffices, which needs no snapshot."""
        return not self.nested
