"""Which tables of a statement are read or written without naming a program.

A cluster sends a statement to a single node if it names the program of each distributed table. Otherwise it asks all
nodes, or refuses. The statement is parsed, so this needs no cluster.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from db.cluster.placement import DISTRIBUTED, REFERENCE
from db.partitions.statements import CLICKS

PARTITION = re.compile(rf"{CLICKS}_(?:\d{{4}}_\d\d|older)")
# The parser takes `$1,$` for the beginning of a dollar-quoted text.
PARAMETER = re.compile(r"\$(\d+)")
SCOPES = (exp.Select, exp.Update, exp.Delete)
# Statements within another one, of which some change tables.
APART = (*SCOPES, exp.SetOperation, exp.Insert)
EQUALITIES = (exp.EQ, exp.NullSafeEQ)


def unnamed(sql: str, *, is_of_many: bool = False) -> list[str]:
    """Return the distributed tables of a statement, each as often as it is used without naming its program.

    A table's program is named if its distribution column equals a value, a column of an outer query, of a derived table
    or a reference table that holds a program's id, or the distribution column of a table whose program is named. The
    condition is in `WHERE`, or in `ON` of a join. An `INSERT` names the program if it fills the column. For a statement
    of many programs it is enough that tables are joined by their programs: each node then joins its own rows.

    A statement that cannot be judged, such as `LOCK` or `MERGE`, names nothing.
    """
    try:
        (statement,) = sqlglot.parse(PARAMETER.sub(r":p\1", sql), dialect="postgres")
    except sqlglot.ParseError:
        statement = None
    if statement is None or isinstance(statement, exp.Command) or statement.find(exp.Merge):
        return [word for word in re.findall(r"\w+", sql) if is_distributed(word)]
    found = []
    for scope in (Scope.of(node) for node in statement.find_all(*SCOPES, bfs=False)):
        named = scope.named(scope.sources.keys() if is_of_many else frozenset())
        found += [source.table for alias, source in scope.sources.items() if source.column and alias not in named]
    return found + [table for insert in statement.find_all(exp.Insert) for table in _unfilled(insert)]


def mentions(sql: str) -> bool:
    """Return whether a statement may use a distributed table, judging by its words."""
    return any(map(is_distributed, re.findall(r"\w+", sql)))


def is_distributed(table: str) -> bool:
    return table in DISTRIBUTED or PARTITION.fullmatch(table) is not None


@dataclass(frozen=True, slots=True)
class Source:
    """What a query reads from, or what a statement changes."""

    table: str
    """The name of a table; empty for a derived table or a function."""
    column: str | None
    """The distribution column; None if the table is not distributed."""

    def holds_program(self, column: str) -> bool:
        """Return whether a column of a table that is not distributed may hold a program's id."""
        return self.column is None and (column == "program_id" or self.table not in REFERENCE)


@dataclass(frozen=True, slots=True)
class Scope:
    """A query or a statement without its subqueries, which are scopes of their own."""

    node: exp.Expr
    sources: Mapping[str, Source]
    """By alias."""
    outer: "Scope | None"

    @classmethod
    def of(cls, node: exp.Expr) -> "Scope":
        above = node.parent.find_ancestor(*SCOPES) if node.parent else None
        above = node.parent if isinstance(node.parent, SCOPES) else above
        return cls(node, dict(_sources(node)), cls.of(above) if above else None)

    def named(self, given: Set[str]) -> Set[str]:
        """Return the aliases of the distributed tables whose program is named, if those of some tables are given."""
        found: Set[str] = frozenset()
        while (more := self._named_so(found | given)) != found:
            found = more
        return found

    def _named_so(self, known: Set[str]) -> Set[str]:
        """Return what the conditions name, if the programs of some tables are known."""
        where = self.node.args.get("where")
        found = self._in_condition(where.this, known) if where else set()
        for join in (node for node in _own(self.node) if isinstance(node, exp.Join)):
            here = self._in_join(join, known)
            match join.side:
                case "":
                    found |= here
                case "LEFT":
                    # All rows of its other side are kept.
                    found |= here & {join.this.alias_or_name}
        return found

    def _in_join(self, join: exp.Join, known: Set[str]) -> Set[str]:
        if using := join.args.get("using"):
            columns = {column.name for column in using}
            joined = {alias for alias, source in self.sources.items() if source.column in columns}
            is_known = bool(joined & known) or any(source.column is None for source in self.sources.values())
            return joined if is_known else set()
        on = join.args.get("on")
        return self._in_condition(on, known) if on else set()

    def _in_condition(self, condition: exp.Expr, known: Set[str]) -> Set[str]:
        condition = condition.unnest()
        match condition:
            case exp.And():
                return self._in_condition(condition.left, known) | self._in_condition(condition.right, known)
            case exp.Or():
                return self._in_condition(condition.left, known) & self._in_condition(condition.right, known)
            case exp.In():
                return self._in_list(condition, known)
        if isinstance(condition, EQUALITIES):
            pairs = list(zip(_parts(condition.left), _parts(condition.right), strict=False))
            both = [*pairs, *((right, left) for left, right in pairs)]
            return {alias for column, value in both if (alias := self._column(column)) and self._tells(value, known)}
        return set()

    def _in_list(self, condition: exp.In, known: Set[str]) -> Set[str]:
        values = condition.expressions
        columns = [self._column(part) for part in _parts(condition.this)]
        return {
            alias
            for place, alias in enumerate(columns)
            if alias and all(self._tells(_parts(value)[min(place, len(_parts(value)) - 1)], known) for value in values)
        }

    def _column(self, expression: exp.Expr) -> str | None:
        """Return the alias of the table whose distribution column this is."""
        if not isinstance(expression, exp.Column):
            return None
        alias = expression.table or self._only_alias(expression.name)
        source = self.sources.get(alias)
        return alias if source and source.column == expression.name else None

    def _only_alias(self, column: str) -> str:
        """Return the alias that a column without one belongs to; empty if several may have it."""
        aliases = [alias for alias, source in self.sources.items() if source.column in (None, column)]
        return aliases[0] if len(aliases) == 1 else ""

    def _tells(self, value: exp.Expr, known: Set[str]) -> bool:
        """Return whether a value is that of a program whose rows are on one node."""
        columns = [node for node in _own(value) if isinstance(node, exp.Column)]
        return all(self._is_known(column, known) for column in columns)

    def _is_known(self, column: exp.Column, known: Set[str]) -> bool:
        alias = column.table or self._only_alias(column.name)
        if alias not in self.sources:
            return self.outer is not None and self.outer._is_known(column, self.outer.sources.keys())
        source = self.sources[alias]
        return source.holds_program(column.name) or (source.column == column.name and alias in known)


def _sources(node: exp.Expr) -> Iterator[tuple[str, Source]]:
    derived = {cte.alias for cte in node.root().find_all(exp.CTE)}
    for each in _own(node):
        if isinstance(each, exp.Table) and not isinstance(each.parent, exp.Lock):
            name = each.name if isinstance(each.this, exp.Identifier) and each.name not in derived else ""
            column = DISTRIBUTED.get(CLICKS if PARTITION.fullmatch(name) else name)
            yield each.alias_or_name, Source(name, column)
        elif isinstance(each, exp.Subquery | exp.Lateral | exp.UDTF) and each.alias:
            yield each.alias, Source("", None)


def _own(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the parts of a query, but not those of its subqueries."""
    yield from node.walk(bfs=False, prune=lambda each: each is not node and isinstance(each, APART))


def _parts(expression: exp.Expr) -> Sequence[exp.Expr]:
    """Return the parts of a row's value, or the only one."""
    whole = expression.unnest()
    return whole.expressions if isinstance(whole, exp.Tuple) else [whole]


def _unfilled(insert: exp.Insert) -> Iterator[str]:
    """Yield the table that an `INSERT` writes to, if it is distributed and its column is left out."""
    table = insert.this.find(exp.Table)
    if table is None or not is_distributed(table.name):
        return
    column = DISTRIBUTED[CLICKS if PARTITION.fullmatch(table.name) else table.name]
    filled = [each.name for each in insert.this.expressions] if isinstance(insert.this, exp.Schema) else []
    if column not in filled:
        yield table.name
