"""Shapes compiled to statements: for pages of lists, and for single rows. Compiled once for each shape and kind of
viewer, and kept; ids, dates and sizes are given when a statement runs."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, bindparam, func, select
from sqlalchemy.orm import aliased

from db.schema.programs import Program
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids
from db.sql.top_n_per_group import Joined, children_of, parent_keys
from graph.domain.scope import Eyes, visible
from graph.query.entities import CATALOGUE
from graph.query.entity import Lookup, Row, Values
from graph.query.listing import Listing
from graph.query.plan import Edges, Info, Many, Nodes, One, Page, Total, Wanted
from graph.query.select_builder import Make, Nested, Selecting

# A dashboard has some dozens of shapes; whoever writes new ones all the time only loses their own time.
KEPT_SHAPES = 512
# A shape of more parts is compiled anew each time: what is kept must not take more memory than dashboards do.
KEPT_PARTS = 1000
T = TypeVar("T")

Take: TypeAlias = Callable[[Sequence[Any]], tuple[Any, ...]]
# The columns of a child that say whose it is, in the order of its parent's key; empty for a list without parents.
Under: TypeAlias = tuple[str, ...]


class PageStatement(NamedTuple):
    """What a page asks of the database: its rows, and how many the whole list has; None where that is not wanted. Of a
    row: the parent's key, the position in the list, and what makes each of the page's nodes."""

    rows: CompiledQuery | None
    total: CompiledQuery | None
    parent: Take
    position: Take
    makers: Mapping[Nodes, Make]
    nested: Sequence[Nested]

    @property
    def is_single(self) -> bool:
        """Whether one query answers all of it, which needs no snapshot."""
        return not self.nested and (self.rows is None or self.total is None)


class Along(NamedTuple):
    """A page under a single row that is read along with it, a child in each row of the result. Of such a row: the
    child's key, which is empty where the parent has no children."""

    nested: Nested
    statement: PageStatement
    child: Take


class RowsStatement(NamedTuple):
    """What rows ask of the database, by themselves. Of a row: its primary key, and what makes its value."""

    rows: CompiledQuery
    key: Take
    make: Make
    nested: Sequence[Nested]
    along: Along | None = None

    @property
    def is_single(self) -> bool:
        """Whether one query answers all of it, which needs no snapshot."""
        return not self.nested


class _Kept(Generic[T]):
    """A function of a shape, whose results are kept for shapes that are not too large."""

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._cached = lru_cache(KEPT_SHAPES)(make)
        self.cache_clear = self._cached.cache_clear

    def __call__(self, shape: Page | Wanted, *rest: Hashable) -> T:
        return self._make(shape, *rest) if shape.size > KEPT_PARTS else self._cached(shape, *rest)


@_Kept
def page_statement(page: Page, under: Under, eyes: Eyes, is_sqlite: bool) -> PageStatement:
    """Put a page's queries together: of the children `under` each of many parents, or else of the whole list."""
    listing, selecting = Listing(page, eyes, is_sqlite=is_sqlite), Selecting(eyes)
    family = _family(page, under, eyes, is_sqlite=is_sqlite)
    # To which nothing is joined; to sort such rows once is enough.
    is_plain = family.parents is None and not _has_joins(page)
    if is_plain:
        row = aliased(CATALOGUE[page.kind].table)
        joined = Joined(row, row)
    else:
        joined = _page_rows(page, listing, family, under, is_sqlite=is_sqlite)
    parent = selecting.place(family.keys if under else [])
    position = selecting.place(listing.columns(joined.row))
    makers = {nodes: selecting.row(joined.row, nodes.wanted) for nodes in _nodes(page)}
    statement = selecting.select(joined.source)
    statement = listing.limited(statement, joined.row) if is_plain else statement.order_by(*listing.sorting(joined.row))
    return PageStatement(
        rows=CompiledQuery(statement) if any(isinstance(part, Nodes | Edges | Info) for part in page.parts) else None,
        total=_total(page, listing, family, under) if any(isinstance(part, Total) for part in page.parts) else None,
        parent=parent,
        position=position,
        makers=makers,
        nested=selecting.nested,
    )


@_Kept
def rows_statement(wanted: Wanted, lookup: str, eyes: Eyes, is_sqlite: bool) -> RowsStatement:
    """Put together the search for rows by one of their kind's lookups. The page under a single row is read along with
    it, if it is the only one."""
    kind, selecting = CATALOGUE[wanted.kind], Selecting(eyes)
    row = aliased(kind.table)
    found = kind.lookups[lookup]
    values: Values = {name: _lookup_value(name, found) for name in found.values}
    key = selecting.place(kind.key_columns(row))
    make = selecting.row(row, wanted)
    conditions, sorting = [visible(row, eyes), found.condition(row, values)], [*kind.key_columns(row)]
    if not (found.is_unique and len(selecting.nested) == 1 and _is_flat(selecting.nested[0].page)):
        statement = selecting.select(row).where(*conditions).order_by(*sorting)
        return RowsStatement(CompiledQuery(statement), key, make, selecting.nested)
    nested = selecting.nested.pop()
    listing = Listing(nested.page, eyes, is_sqlite=is_sqlite)
    joined = _children(nested, row, listing, is_sqlite=is_sqlite)
    along = _along(nested, joined.row, listing, selecting)
    statement = selecting.select(joined.source).where(*conditions).order_by(*sorting, *listing.sorting(joined.row))
    return RowsStatement(CompiledQuery(statement), key, make, selecting.nested, along)


def _is_flat(page: Page) -> bool:
    """Return whether a page has neither a total nor pages under its rows."""

    def has_pages(wanted: Wanted) -> bool:
        return any(
            isinstance(part, Many) or (isinstance(part, One) and has_pages(part.wanted)) for part in wanted.parts
        )

    has_total = any(isinstance(part, Total) for part in page.parts)
    return not has_total and not any(has_pages(nodes.wanted) for nodes in _nodes(page))


def _children(nested: Nested, row: Row, listing: Listing, *, is_sqlite: bool) -> Joined:
    kind = CATALOGUE[nested.page.kind]

    def matches(child: Row) -> Sequence[ColumnElement[bool]]:
        return [getattr(child, name) == key for name, key in zip(nested.under, nested.columns, strict=True)]

    def limited(child: Row) -> Select[Any]:
        return listing.limited(select(child), child, matches)

    return children_of(row, kind.table, limited, kind.key_columns, is_sqlite=is_sqlite, is_outer=True)


def _along(nested: Nested, child: Row, listing: Listing, selecting: Selecting) -> Along:
    key = selecting.place(CATALOGUE[nested.page.kind].key_columns(child))
    position = selecting.place(listing.columns(child))
    makers = {nodes: selecting.row(child, nodes.wanted) for nodes in _nodes(nested.page)}
    return Along(nested, PageStatement(None, None, nested.key, position, makers, ()), key)


def _lookup_value(name: str, lookup: Lookup) -> BindParameter[Any]:
    return bindparam(f"lookup_{name}", type_=Ids() if name == lookup.lists else None)


class _Family(NamedTuple):
    """Whose children a list has: the parents, if it has any, with their keys, and the children's columns for them."""

    parents: FromClause | None
    matching: Under

    @property
    def keys(self) -> Sequence[ColumnElement[Any]]:
        return [] if self.parents is None else list(self.parents.c)

    def matches(self, child: Row) -> Sequence[ColumnElement[bool]]:
        pairs = zip(self.matching, self.keys, strict=True)
        return [getattr(child, column) == key for column, key in pairs]


def _family(page: Page, under: Under, eyes: Eyes, *, is_sqlite: bool) -> _Family:
    if under:
        return _Family(parent_keys(len(under), is_sqlite=is_sqlite), under)
    if not CATALOGUE[page.kind].is_large:
        return _Family(None, ())
    program = aliased(Program)
    programs = select(program.id.label("key0")).where(visible(program, eyes))
    if "program_id" in page.filters:
        programs = programs.where(program.id == bindparam(page.value("program_id0")))
    return _Family(programs.subquery("parent"), ("program_id",))


def _page_rows(page: Page, listing: Listing, family: _Family, under: Under, *, is_sqlite: bool) -> Joined:
    """Return the page's rows, which are found before anything is joined to them: each program has as many, and a list
    without programs may have a million. Under each of many parents, these are their children."""
    kind = CATALOGUE[page.kind]

    def limited(child: Row) -> Select[Any]:
        return listing.limited(select(child), child, family.matches)

    if family.parents is None:
        found = limited(aliased(kind.table))
    else:
        joined = children_of(family.parents, kind.table, limited, kind.key_columns, is_sqlite=is_sqlite)
        if under:
            return joined
        found = listing.cut(select(joined.row).select_from(joined.source), joined.row)
    row = aliased(kind.table, found.subquery("page"))
    return Joined(row, row)


def _total(page: Page, listing: Listing, family: _Family, under: Under) -> CompiledQuery:
    """Return the count of the whole list, or of each parent's, with the parent's key."""
    row = aliased(CATALOGUE[page.kind].table)
    counted = select(*(family.keys if under else []), func.count().label("total"))
    counted = counted.select_from(row) if family.parents is None else counted.select_from(family.parents, row)
    counted = counted.where(*family.matches(row), *listing.conditions(row))
    return CompiledQuery(counted.group_by(*family.keys) if under else counted)


def _has_joins(page: Page) -> bool:
    return any(isinstance(part, One) for nodes in _nodes(page) for part in nodes.wanted.parts)


def _nodes(page: Page) -> Iterator[Nodes]:
    for part in page.parts:
        if isinstance(part, Nodes):
            yield part
        elif isinstance(part, Edges):
            yield from (inner for inner in part.parts if isinstance(inner, Nodes))
