"""Reads pages and single rows for the API.

A page or a row takes one statement, plus one for each connection nested in it and one for each total, however many rows
there are. All of them see the same snapshot. If a single row has exactly one connection under it, both are read in one
statement.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar

from db.engine.backend.protocol import Source
from db.engine.store import Store
from db.sql.compiled_queries import DialectQuery
from db.sql.statement_form import StatementForm
from db.sql.top_n_per_group import parent_values
from graph.domain import reading
from graph.domain.commission_status import NOW
from graph.domain.context import Context
from graph.domain.errors import outages
from graph.domain.permissions import viewer_of
from graph.domain.reading import ReadFrom
from graph.domain.scope import Viewer
from graph.query.compiler import page_statement, rows_statement
from graph.query.list_parents import ParentColumns
from graph.query.pages import PageBuilder
from graph.query.plan import NEEDS_HORIZON, PagePlan, RowPlan
from graph.query.select_builder import NestedConnection, NestedPages
from graph.query.statements import InlineConnection, PageStatement, RowsStatement

ParameterValues: TypeAlias = Mapping[str, Any]
RowKey: TypeAlias = tuple[Any, ...]
Totals: TypeAlias = Mapping[RowKey, int]
NO_PARENT: RowKey = ()
T = TypeVar("T")


async def page(context: Context, plan: PagePlan, values: ParameterValues) -> Any:
    """Return a page of a whole list. `values` are the parameters of the plan and of the pages nested in it. Raises
    `Unauthenticated`, `DatabaseAway`."""
    statement = page_statement(plan, (), viewer_of(context).audience, form_of(context.services.store))
    return await read(context, values, lambda reader: reader.page(plan, statement), is_single=statement.is_single)


async def find(context: Context, plan: RowPlan, values: ParameterValues, lookup: str, **named: Any) -> Any:
    """Return the row that a lookup finds, or None. Raises as `page` does."""
    is_single = rows_statement(plan, lookup, viewer_of(context).audience, form_of(context.services.store)).is_single
    found = await read(context, values, lambda reader: reader.rows(plan, lookup, named), is_single=is_single)
    return next(iter(found.values()), None)


async def read(
    context: Context, values: ParameterValues, work: Callable[["Reader"], Awaitable[T]], *, is_single: bool = False
) -> T:
    """Return what `work` reads in one snapshot, or with a single query: from a replica if there is one. Raises as
    `page` does."""

    async def read_from(source: ReadFrom) -> T:
        if not is_single:
            async with snapshot_reader(context, values, source.store) as reader:
                return await work(reader)
        found = await _values_now(context, values)
        with outages():
            return await work(_reader(context, found, source.store, source.store))

    if values.get(NEEDS_HORIZON):  # which is the primary's
        return await read_from(ReadFrom(context.services.store))
    return await reading.read(context, read_from)


@asynccontextmanager
async def snapshot_reader(
    context: Context, values: ParameterValues, store: Store | None = None
) -> AsyncIterator["Reader"]:
    """Open a snapshot to read from, by default the primary's. Raises as `page` does."""
    store = store or context.services.store
    found = await _values_now(context, values)
    with outages():
        async with store.snapshot() as snapshot:
            yield _reader(context, found, store, snapshot)


async def _values_now(context: Context, values: ParameterValues) -> ParameterValues:
    """Return the parameters of a request together with those that depend on when it reads."""
    now = {NOW.key: context.services.clock()}
    if values.get(NEEDS_HORIZON):
        # Taken before the snapshot, so that everything up to the horizon is in it.
        return {**values, **now, **await context.services.writer.horizon()}
    return {**values, **now}


def _reader(context: Context, values: ParameterValues, store: Store, source: Source) -> "Reader":
    return Reader(source, viewer_of(context), values, form_of(store))


def form_of(store: Store) -> StatementForm:
    """Return the form in which statements for a database are written."""
    return StatementForm(store.is_sqlite, store.database.is_cluster)


class Reader:
    """Reads from one source, for one viewer."""

    def __init__(self, source: Source, viewer: Viewer, values: ParameterValues, form: StatementForm) -> None:
        self._source = source
        self._audience = viewer.audience
        self._values = {**values, **viewer.values}
        self._form = form

    async def rows(self, plan: RowPlan, lookup: str, named: ParameterValues) -> dict[RowKey, Any]:
        """Return the rows that a lookup finds, by primary key and in the order of the keys. `named` are the lookup's
        parameters."""
        statement = rows_statement(plan, lookup, self._audience, self._form)
        rows = await self._fetch(statement.rows, {f"lookup_{name}": value for name, value in named.items()})
        if statement.inline is not None:
            return self._single(statement, statement.inline, rows)
        found = await self._nested(statement.nested, rows)
        return dict(zip(map(statement.key, rows), statement.build(rows, found), strict=True))

    def _single(self, statement: RowsStatement, inline: InlineConnection, rows: Sequence[Any]) -> dict[RowKey, Any]:
        """Return a single row whose children were read in the same statement."""
        if not rows:
            return {}
        children = [row for row in rows if inline.child(row)[0] is not None]
        page = PageBuilder(inline.nested.page, inline.statement, children, self._values).build({}, 0)
        found = {inline.nested.page.number: {inline.nested.key(rows[0]): page}}
        (node,) = statement.build(rows[:1], found)
        return {statement.key(rows[0]): node}

    async def page(self, page: PagePlan, statement: PageStatement) -> Any:
        """Return a page of a whole list, given its statement."""
        rows, found, totals = await self._read(statement, {})
        return PageBuilder(page, statement, rows, self._values).build(found, totals.get(NO_PARENT, 0))

    async def pages(
        self, page: PagePlan, parent_columns: ParentColumns, parents: Sequence[RowKey]
    ) -> dict[RowKey, Any]:
        """Return a page for each parent's key."""
        statement = page_statement(page, parent_columns, self._audience, self._form)
        values = self._parents(parents, len(parent_columns))
        rows, found, totals = await self._read(statement, values)
        by_parent: dict[RowKey, list[Any]] = defaultdict(list)
        for row in rows:
            by_parent[statement.parent(row)].append(row)
        return {
            parent: PageBuilder(page, statement, by_parent[parent], self._values).build(found, totals.get(parent, 0))
            for parent in parents
        }

    async def _read(
        self, statement: PageStatement, values: ParameterValues
    ) -> tuple[Sequence[Any], NestedPages, Totals]:
        """Return the rows of a page, what is nested under them, and the totals by parent."""
        rows: Sequence[Any] = [] if statement.rows is None else await self._fetch(statement.rows, values)
        totals = await self._totals(statement, values)
        return rows, await self._nested(statement.nested, rows), totals

    async def _totals(self, statement: PageStatement, values: ParameterValues) -> Totals:
        if statement.total is None:
            return {}
        return {tuple(key): total for *key, total in await self._fetch(statement.total, values)}

    async def _nested(self, nested: Sequence[NestedConnection], rows: Sequence[Any]) -> NestedPages:
        return {
            one.page.number: await self.pages(one.page, one.parent_columns, list({one.key(row): None for row in rows}))
            for one in nested
        }

    def _parents(self, parents: Sequence[RowKey], width: int) -> ParameterValues:
        # A row without the key has no children, such as a link without a program.
        known = [key for key in parents if None not in key]
        return parent_values(known, width, is_sqlite=self._form.is_sqlite)

    async def _fetch(self, query: DialectQuery, values: ParameterValues) -> Sequence[Any]:
        if self._audience == "tracking":  # which sees no row of any table
            return ()
        return await self._source.fetch(query, {**self._values, **values})
