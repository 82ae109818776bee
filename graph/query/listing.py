"""A list as a page of it is read: which rows are in it, where the page is bounded, and how they are sorted."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, and_, bindparam, exists, select, tuple_, union_all
from sqlalchemy.orm import aliased

from db.sql.commit_horizon import before_horizon
from graph.domain.scope import Eyes, visible
from graph.query.entities import CATALOGUE
from graph.query.entity import Part, Row
from graph.query.plan import Page

Conditions: TypeAlias = Sequence[ColumnElement[bool]]


class Listing:
    """The conditions of one list for one kind of viewer. Their values are named by `Page.value`."""

    def __init__(self, page: Page, eyes: Eyes, *, is_sqlite: bool) -> None:
        self._page = page
        self._is_sqlite = is_sqlite
        self._eyes: Eyes = eyes
        self._kind = CATALOGUE[page.kind]
        self._order = self._kind.orders[page.order]

    def conditions(self, row: Row) -> Sequence[ColumnElement[bool]]:
        """Return what is true of every row in the list, whatever the page."""
        given = [self._filter(row, name) for name in self._page.filters]
        return [visible(row, self._eyes), *given]

    def limited(
        self, statement: Select[Any], row: Row, matches: Callable[[Row], Conditions] = lambda row: ()
    ) -> Select[Any]:
        """Narrow a statement to one page's rows, and one more, which tells whether there is a further page. `matches`
        says which rows are in the list beside its own conditions, such as a parent's."""
        if not self._order.parts:
            return self.cut(statement.where(*matches(row), *self._bounded(row, self.columns(row))), row)
        # Of the rows that each part would have on the page, it has the first ones.
        parts = [self._part(part, matches).subquery() for part in self._order.parts]
        keys = union_all(*(select(*part.c) for part in parts))
        return self.cut(statement.where(*matches(row), tuple_(*self._kind.key_columns(row)).in_(keys)), row)

    def cut(self, statement: Select[Any], row: Row) -> Select[Any]:
        """Sort a statement's rows in the direction of reading, and keep as many as the page needs."""
        return self._cut(statement, self.sorting(row))

    def sorting(self, row: Row) -> Sequence[ColumnElement[Any]]:
        """Return what rows are sorted by in the direction of reading."""
        return self._sorted(self.columns(row))

    def columns(self, row: Row) -> Sequence[ColumnElement[Any]]:
        """Return the columns of the order; a cursor has their values."""
        return self._order.columns(row)

    def _part(self, part: Part, matches: Callable[[Row], Conditions]) -> Select[Any]:
        row = aliased(self._kind.table)
        columns = part.columns(row)
        found = select(*self._kind.key_columns(row)).where(*matches(row), part.condition(row))
        return self._cut(found.where(*self._bounded(row, columns)), self._sorted(columns)).correlate_except(row)

    def _cut(self, statement: Select[Any], sorting: Sequence[ColumnElement[Any]]) -> Select[Any]:
        limit: BindParameter[int] = bindparam(self._page.value("limit"), type_=Integer)
        return statement.order_by(*sorting).limit(limit)

    def _sorted(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[ColumnElement[Any]]:
        return [column.desc() if self._page.reads_descending else column.asc() for column in columns]

    def _bounded(self, row: Row, columns: Sequence[ColumnElement[Any]]) -> Conditions:
        """Return the conditions of the page, given the columns that have the order's values."""
        bounds = [self._beyond(columns, bound) for bound in self._page.bounds]
        if self._order.horizon is not None and not self._page.reads_descending:
            bounds.append(before_horizon(columns[0], self._order.horizon, is_sqlite=self._is_sqlite))
        return [*self.conditions(row), *bounds]

    def _filter(self, row: Row, name: str) -> ColumnElement[bool]:
        wanted = self._kind.filters[name]
        width = len(CATALOGUE[wanted.names].key) if wanted.names else 1
        values: list[BindParameter[Any]] = [bindparam(self._page.value(f"{name}{number}")) for number in range(width)]
        condition = wanted.condition(row, *values)
        return and_(condition, self._is_seen(wanted.names, values)) if wanted.names else condition

    def _is_seen(self, kind_name: str, key: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
        """Return whether the row that a filter names is in scope: if not, it finds what one that does not exist finds,
        or it would tell which rows have to do with it."""
        kind = CATALOGUE[kind_name]
        named = aliased(kind.table)
        pairs = zip(kind.key_columns(named), key, strict=True)
        return exists().where(*(column == value for column, value in pairs), visible(named, self._eyes))

    def _beyond(self, columns: Sequence[ColumnElement[Any]], bound: str) -> ColumnElement[bool]:
        values = [
            bindparam(self._page.value(f"{bound}{number}"), type_=column.type) for number, column in enumerate(columns)
        ]
        # One comparison of rows, which an index of these columns answers.
        position, cursor = tuple_(*columns), tuple_(*values)
        return position < cursor if self._page.descending is (bound == "after") else position > cursor
