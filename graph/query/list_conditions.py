"""The conditions, sort order and limit of a list.

The compiler applies them to whole lists and to the children of each parent alike.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from db.segments.questions import LINK
from db.sql.commit_horizon import before_horizon
from db.sql.functions import tested_per_row
from db.sql.statement_form import StatementForm
from graph.domain.scope import Audience, visible, withheld
from graph.query.dimension_conditions import DimensionConditions
from graph.query.entities import ENTITIES
from graph.query.entity import MappedRow, OrderPartition
from graph.query.list_parents import ParentColumns, dividing_condition
from graph.query.plan import PagePlan

Conditions: TypeAlias = Sequence[ColumnElement[bool]]


class ListConditions:
    """The conditions of one list for one audience. Their parameters are named by `PagePlan.value`. `parent_columns` are
    those that hold the key of the parent, if the list is nested."""

    def __init__(self, page: PagePlan, audience: Audience, parent_columns: ParentColumns, form: StatementForm) -> None:
        self._page = page
        self._form = form
        self._audience: Audience = audience
        self._entity = ENTITIES[page.entity]
        self._order = self._entity.orders[page.order]
        # A customer's rows, or a link's, are fewer than those in scope.
        dividing = dividing_condition(page, parent_columns)
        is_of_links = dividing is not None and page.conditions[dividing].dimension == LINK
        self._is_narrow = is_of_links or not {*parent_columns} <= {"program_id", "partner_id"}
        # The parents of the list meet it, and PostgreSQL would not use their index if it were there again.
        self._dimensions = DimensionConditions(page, audience, without=dividing)

    def conditions(self, row: MappedRow) -> Sequence[ColumnElement[bool]]:
        """Return the conditions that hold for every row of the list, on any page."""
        given = [self._filter(row, name) for name in self._page.filters]
        scope = visible(row, self._audience)
        return [tested_per_row(scope) if self._is_narrow else scope, *given, *self._dimensions.of(row)]

    def limited(
        self, statement: Select[Any], row: MappedRow, matches: Callable[[MappedRow], Conditions] = lambda row: ()
    ) -> Select[Any]:
        """Restrict a statement to the rows of one page, plus one that tells whether there are more. `matches` adds
        conditions such as the parent's key."""
        if not self._order.partitions:
            return self.cut(statement.where(*matches(row), *self._bounded(row, self.columns(row))), row)
        # Each partition contributes at most a page of keys.
        parts = [self._part(part, matches).subquery() for part in self._order.partitions]
        keys = union_all(*(select(*part.c) for part in parts))
        return self.cut(statement.where(*matches(row), tuple_(*self._entity.key_columns(row)).in_(keys)), row)

    def cut(self, statement: Select[Any], row: MappedRow) -> Select[Any]:
        """Sort a statement's rows in reading direction, and apply the page's limit."""
        return self._cut(statement, self.sorting(row))

    def ranked(self, statement: Select[Any], row: MappedRow, parents: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Apply the page's limit to the rows of each parent, given the parents' keys. The rows are not sorted."""
        rank = func.row_number().over(partition_by=parents, order_by=self.sorting(row)).label("rank")
        every = statement.add_columns(rank).subquery("ranked")
        return select(every).where(every.c.rank <= self._limit)

    def sorting(self, row: MappedRow) -> Sequence[ColumnElement[Any]]:
        """Return the sort expressions, in reading direction."""
        return self._sorted(self.columns(row))

    def columns(self, row: MappedRow) -> Sequence[ColumnElement[Any]]:
        """Return the columns of the order, whose values make up a cursor."""
        return self._order.columns(row)

    def _part(self, part: OrderPartition, matches: Callable[[MappedRow], Conditions]) -> Select[Any]:
        row = aliased(self._entity.table)
        columns = part.columns(row)
        found = select(*self._entity.key_columns(row)).where(*matches(row), part.condition(row))
        return self._cut(found.where(*self._bounded(row, columns)), self._sorted(columns)).correlate_except(row)

    def _cut(self, statement: Select[Any], sorting: Sequence[ColumnElement[Any]]) -> Select[Any]:
        return statement.order_by(*sorting).limit(self._limit)

    @property
    def _limit(self) -> BindParameter[int]:
        return bindparam(self._page.value("limit"), type_=Integer)

    def _sorted(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[ColumnElement[Any]]:
        return [column.desc() if self._page.reads_descending else column.asc() for column in columns]

    def _bounded(self, row: MappedRow, columns: Sequence[ColumnElement[Any]]) -> Conditions:
        """Return the page's conditions, given the columns that hold the order's values."""
        bounds = [self._beyond(columns, bound) for bound in self._page.bounds]
        if self._order.horizon is not None and not self._page.reads_descending:
            bounds.append(before_horizon(columns[0], self._order.horizon, is_sqlite=self._form.is_sqlite))
        return [*self.conditions(row), *bounds]

    def _filter(self, row: MappedRow, name: str) -> ColumnElement[bool]:
        filter = self._entity.filters[name]
        if withheld(row, name, self._audience):
            return false()  # or what is hidden could be guessed
        width = len(ENTITIES[filter.names].key) if filter.names else 1
        values: list[BindParameter[Any]] = [bindparam(self._page.value(f"{name}{number}")) for number in range(width)]
        find = filter.condition if filter.on_cluster is None or not self._form.is_cluster else filter.on_cluster
        condition = find(row, *values)
        return and_(condition, self._is_seen(filter.names, values)) if filter.names else condition

    def _is_seen(self, entity_name: str, key: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
        """Return whether the row that a filter names is in scope. If it is not, the filter must match nothing, or it
        would reveal which rows refer to a hidden one."""
        entity = ENTITIES[entity_name]
        named = aliased(entity.table)
        pairs = zip(entity.key_columns(named), key, strict=True)
        return exists().where(*(column == value for column, value in pairs), visible(named, self._audience))

    def _beyond(self, columns: Sequence[ColumnElement[Any]], bound: str) -> ColumnElement[bool]:
        values = [
            bindparam(self._page.value(f"{bound}{number}"), type_=column.type) for number, column in enumerate(columns)
        ]
        # A single row comparison can use an index on these columns.
        position, cursor = tuple_(*columns), tuple_(*values)
        return position < cursor if self._page.descending is (bound == "after") else position > cursor
