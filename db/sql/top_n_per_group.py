"""For each of many parents, its first few children: in one statement, each parent at the cost of its own few rows.

A window over all children would read all of them. PostgreSQL has LATERAL for this; SQLite has no such join, but finds
the few keys in a subquery of its own for each parent.
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
    """Children beside their parents: what to select from, and the child's row in it."""

    source: Any
    row: Any


def parent_keys(width: int, *, is_sqlite: bool) -> FromClause:
    """Return a relation of parents' keys, each of `width` integers in columns `key0`, `key1`, …, whose rows are given
    when the statement runs, by `parent_values`."""
    names = [f"key{number}" for number in range(width)]
    if is_sqlite:
        given = func.json_each(bindparam(PARENTS)).table_valued("value").alias("given")
        keys = [func.json_extract(given.c.value, f"$[{number}]").label(name) for number, name in enumerate(names)]
        return select(*keys).subquery("parent")
    arrays = [bindparam(f"{PARENTS}_{name}", type_=ARRAY(BigInteger)) for name in names]
    return func.unnest(*arrays).table_valued(*(column(name, BigInteger) for name in names)).render_derived("parent")


def parent_values(keys: Iterable[Sequence[int]], width: int, *, is_sqlite: bool) -> dict[str, Any]:
    """Return the values that a statement with `parent_keys` takes."""
    listed = list(keys)
    if is_sqlite:
        return {PARENTS: json.encode(listed).decode()}
    return {f"{PARENTS}_key{number}": [key[number] for key in listed] for number in range(width)}


class InOrder(Join):
    """A join that is made in the order in which it is written; on PostgreSQL, every reader's is."""


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
    """Join each parent with the rows of a table for which conditions hold, looked up for each parent by itself. Left to
    themselves, PostgreSQL would look up once what it believes to be few, and compare that with every parent, and SQLite
    would go through the table."""
    if is_sqlite:
        row = aliased(child)
        return Joined(InOrder(parents, inspect(row).selectable, and_(*conditions(row))), row)
    inner = aliased(child)
    # Without the offset, it would be taken for a join like any other.
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
    """Join each parent with its few children; in an outer join, a parent without any is there, too. `limited` makes the
    select of one parent's children from a row of the child's table, with its condition, order and limit, but without
    columns; `key` names a row's primary key."""
    inner = aliased(child)
    if is_sqlite:
        row = aliased(child)
        keys = limited(inner).with_only_columns(*key(inner)).correlate(parents)
        return Joined(join(parents, row, tuple_(*key(row)).in_(keys), isouter=is_outer), row)
    few = limited(inner).with_only_columns(inner).lateral()
    row = aliased(child, few)
    return Joined(join(parents, few, true(), isouter=is_outer), row)
