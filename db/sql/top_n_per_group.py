"""Queries for the first few children of each of many parents, at a cost proportional to the rows returned.

A window function would read all children. PostgreSQL has LATERAL joins for this; on SQLite, a correlated subquery finds
the keys of each parent's children.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

from msgspec import json
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    column,
    func,
    inspect,
    join,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Join

PARENTS = "parents"


class Joined(NamedTuple):
    """Children joined with their parents: the source to select from, and the alias of the child's table in it."""

    source: Any
    row: Any


def parent_keys(width: int, *, is_sqlite: bool) -> FromClause:
    """Return a relation of parents' keys, with `width` integer columns `key0`, `key1`, …. `parent_values` provides its
    rows when the statement runs."""
    names = [f"key{number}" for number in range(width)]
    if is_sqlite:
        given = func.json_each(bindparam(PARENTS)).table_valued("value").alias("given")
        keys = [func.json_extract(given.c.value, f"$[{number}]").label(name) for number, name in enumerate(names)]
        return select(*keys).subquery("parent")
    arrays = [bindparam(f"{PARENTS}_{name}", type_=ARRAY(BigInteger)) for name in names]
    return func.unnest(*arrays).table_valued(*(column(name, BigInteger) for name in names)).render_derived("parent")


def parent_values(keys: Iterable[Sequence[int]], width: int, *, is_sqlite: bool) -> dict[str, Any]:
    """Return the parameters of a statement that uses `parent_keys`."""
    listed = list(keys)
    if is_sqlite:
        return {PARENTS: json.encode(listed).decode()}
    return {f"{PARENTS}_key{number}": [key[number] for key in listed] for number in range(width)}


class InOrder(Join):
    """A join in the order in which it is written. On PostgreSQL, the readers' session settings ensure this."""


@compiles(InOrder, "sqlite")
def _join_in_order(element: InOrder, compiler: SQLCompiler, **options: Any) -> str:
    options["asfrom"] = True
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(cast(Any, element.onclause), **options)}"


def rows_of(
    parents: FromClause,
    child: type[DeclarativeBase],
    conditions: Callable[[Any], Sequence[ColumnElement[bool]]],
    *,
    is_sqlite: bool,
) -> Joined:
    """Join each parent with the rows of a table that meet conditions, with one index lookup per parent. By default,
    PostgreSQL would read the rows once, expecting few, and compare them with every parent; SQLite would scan the
    table."""
    if is_sqlite:
        row = aliased(child)
        return Joined(InOrder(parents, inspect(row).selectable, and_(*conditions(row))), row)
    inner = aliased(child)
    # Without the offset, the planner would flatten it into an ordinary join.
    found = select(inner).where(*conditions(inner)).offset(literal_column("0")).lateral()
    return Joined(parents.join(found, true()), aliased(child, found))


def children_of(
    parents: Any,
    child: type[DeclarativeBase],
    limited: Callable[[Any], Select[Any]],
    key: Callable[[Any], Sequence[ColumnElement[Any]]],
    *,
    is_sqlite: bool,
    is_outer: bool = False,
) -> Joined:
    """Join each parent with its first few children. An outer join keeps parents without children. `limited` builds the
    select of one parent's children from an alias of their table, with condition, order and limit but no columns; `key`
    returns an alias's primary key columns."""
    inner = aliased(child)
    if is_sqlite:
        row = aliased(child)
        keys = limited(inner).with_only_columns(*key(inner)).correlate(parents)
        return Joined(join(parents, row, tuple_(*key(row)).in_(keys), isouter=is_outer), row)
    few = limited(inner).with_only_columns(inner).lateral()
    row = aliased(child, few)
    return Joined(join(parents, few, true(), isouter=is_outer), row)


def children_on_nodes(
    parents: FromClause,
    child: type[DeclarativeBase],
    limited: Callable[[Any], Select[Any]],
    program_id: ColumnElement[int],
) -> Joined:
    """Join each parent with its first few children on a cluster, which takes no limit in a LATERAL join with anything
    but a distributed table: the ids of a parent's children are an array. `program_id` is the column of a parent's
    program, by which its children are distributed."""
    inner: Any = aliased(child)
    found = limited(inner).with_only_columns(inner.id).correlate(parents).scalar_subquery()
    ids = func.unnest(func.array(found)).table_valued(column("id", BigInteger)).render_derived("few").lateral()
    row: Any = aliased(child)
    matches = and_(row.program_id == program_id, row.id == ids.c.id)
    return Joined(parents.join(ids, true()).join(inspect(row).selectable, matches), row)
