"""A list as a page of it is read: which rows are in it, where the page is bounded, and how they are sorted."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, and_, bindparam, exists, tuple_
from sqlalchemy.orm import aliased

from graph.reading.catalogue import CATALOGUE
from graph.reading.kinds import Row
from graph.reading.shapes import Page
from graph.scope import Eyes, visible


class Listing:
    """The conditions of one list for one kind of viewer. Their values are named by `Page.value`."""

    def __init__(self, page: Page, eyes: Eyes) -> None:
        self._page = page
        self._eyes: Eyes = eyes
        self._kind = CATALOGUE[page.kind]
        self._order = self._kind.orders[page.order]

    def conditions(self, row: Row) -> Sequence[ColumnElement[bool]]:
        """Return what is true of every row in the list, whatever the page."""
        given = [self._filter(row, name) for name in self._page.filters]
        return [visible(row, self._eyes), *given]

    def limited(self, statement: Select[Any], row: Row) -> Select[Any]:
        """Narrow a statement to one page's rows, and one more, which tells whether there is a further page."""
        bounds = [self._beyond(row, bound) for bound in self._page.bounds]
        narrowed = statement.where(*self.conditions(row), *bounds)
        return self.cut(narrowed, row)

    def cut(self, statement: Select[Any], row: Row) -> Select[Any]:
        """Sort a statement's rows in the direction of reading, and keep as many as the page needs."""
        limit: BindParameter[int] = bindparam(self._page.value("limit"), type_=Integer)
        return statement.order_by(*self.sorting(row)).limit(limit)

    def sorting(self, row: Row) -> Sequence[ColumnElement[Any]]:
        """Return what rows are sorted by in the direction of reading."""
        descending = self._page.descending is not self._page.backwards
        return [column.desc() if descending else column.asc() for column in self.columns(row)]

    def columns(self, row: Row) -> Sequence[ColumnElement[Any]]:
        """Return the columns of the order; a cursor has their values."""
        return self._order.columns(row)

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

    def _beyond(self, row: Row, bound: str) -> ColumnElement[bool]:
        columns = self.columns(row)
        values = [
            bindparam(self._page.value(f"{bound}{number}"), type_=column.type) for number, column in enumerate(columns)
        ]
        # One comparison of rows, which an index of these columns answers.
        position, cursor = tuple_(*columns), tuple_(*values)
        return position < cursor if self._page.descending is (bound == "after") else position > cursor
