"""Read rows for the API: pages of lists, and single rows, finished as the client asked for them.

A page or a row takes one statement, and one more for each page nested in it and for each total, however many rows
there are; all of them see one snapshot. The only page under a single row comes along with it.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from db.engine.backend.protocol import Source
from db.sql.compiled_queries import CompiledQuery
from db.sql.top_n_per_group import parent_values
from graph.domain.context import Context
from graph.domain.errors import outages
from graph.domain.permissions import viewer_of
from graph.domain.scope import Viewer
from graph.query.compiler import Along, PageStatement, RowsStatement, Under, page_statement, rows_statement
from graph.query.pages import FinishedPage
from graph.query.plan import FOLLOWS, Page, Wanted
from graph.query.select_builder import Found, Nested

Values: TypeAlias = Mapping[str, Any]
Key: TypeAlias = tuple[Any, ...]
WHOLE: Key = ()


async def page(context: Context, wanted: Page, values: Values) -> Any:
    """Return a page of a whole list. `values` are those that the shape names, and those of the pages in it. Raises
    `Unauthenticated`, `DatabaseAway`."""
    is_single = page_statement(wanted, (), viewer_of(context).eyes, context.services.store.is_sqlite).is_single
    async with reading(context, values, is_single=is_single) as reader:
        return (await reader.pages(wanted, (), [WHOLE]))[WHOLE]


async def find(context: Context, wanted: Wanted, values: Values, lookup: str, **named: Any) -> Any:
    """Return the row that a lookup finds, or None. Raises as `page` does."""
    is_single = rows_statement(wanted, lookup, viewer_of(context).eyes, context.services.store.is_sqlite).is_single
    async with reading(context, values, is_single=is_single) as reader:
        found = await reader.rows(wanted, lookup, named)
    return next(iter(found.values()), None)


@asynccontextmanager
async def reading(context: Context, values: Values, *, is_single: bool = False) -> AsyncIterator["Reader"]:
    """Open a snapshot to read from, if it is for more than a single query. Raises as `page` does."""
    viewer, store = viewer_of(context), context.services.store
    if values.get(FOLLOWS):
        # Before the snapshot: what is promised now holds for whatever is committed after it.
        values = {**values, **await context.services.writer.horizon()}
    with outages():
        if is_single:
            yield Reader(store, viewer, values, is_sqlite=store.is_sqlite)
        else:
            async with store.snapshot() as snapshot:
                yield Reader(snapshot, viewer, values, is_sqlite=store.is_sqlite)


class Reader:
    """Reads from one source, for one viewer."""

    def __init__(self, source: Source, viewer: Viewer, values: Values, *, is_sqlite: bool) -> None:
        self._source = source
        self._eyes = viewer.eyes
        self._values = {**values, **viewer.values}
        self._is_sqlite = is_sqlite

    async def rows(self, wanted: Wanted, lookup: str, named: Values) -> dict[Key, Any]:
        """Return the rows that a lookup finds, by their primary keys and in their order; `named` are its values."""
        statement = rows_statement(wanted, lookup, self._eyes, self._is_sqlite)
        rows = await self._fetch(statement.rows, {f"lookup_{name}": value for name, value in named.items()})
        if statement.along is not None:
            return self._single(statement, statement.along, rows)
        found = await self._nested(statement.nested, rows)
        return {statement.key(row): statement.make(row, found) for row in rows}

    def _single(self, statement: RowsStatement, along: Along, rows: Sequence[Any]) -> dict[Key, Any]:
        """Return a single row whose children were read along with it."""
        if not rows:
            return {}
        children = [row for row in rows if along.child(row)[0] is not None]
        page = FinishedPage(along.nested.page, along.statement, children, self._values).answer({}, 0)
        found = {along.nested.page.number: {along.nested.key(rows[0]): page}}
        return {statement.key(rows[0]): statement.make(rows[0], found)}

    async def pages(self, page: Page, under: Under, parents: Sequence[Key]) -> dict[Key, Any]:
        """Return a page for each parent's key; a list without parents has its page under the key of no columns."""
        statement = page_statement(page, under, self._eyes, self._is_sqlite)
        values = self._parents(parents, len(under))
        rows: Sequence[Any] = [] if statement.rows is None else await self._fetch(statement.rows, values)
        totals = await self._totals(statement, values)
        found = await self._nested(statement.nested, rows)
        by_parent: dict[Key, list[Any]] = defaultdict(list)
        for row in rows:
            by_parent[statement.parent(row)].append(row)
        return {
            parent: FinishedPage(page, statement, by_parent[parent], self._values).answer(found, totals.get(parent, 0))
            for parent in parents
        }

    async def _totals(self, statement: PageStatement, values: Values) -> dict[Key, int]:
        if statement.total is None:
            return {}
        return {tuple(key): total for *key, total in await self._fetch(statement.total, values)}

    async def _nested(self, nested: Sequence[Nested], rows: Sequence[Any]) -> Found:
        return {
            one.page.number: await self.pages(one.page, one.under, list({one.key(row): None for row in rows}))
            for one in nested
        }

    def _parents(self, parents: Sequence[Key], width: int) -> Values:
        # A row without the key, such as a link without a program, has no children.
        known = [key for key in parents if None not in key]
        return parent_values(known, width, is_sqlite=self._is_sqlite) if width else {}

    async def _fetch(self, query: CompiledQuery, values: Values) -> Sequence[Any]:
        return await self._source.fetch(query, {**self._values, **values})
