"""Reads a list to its end, a page at a time.

Each page is a query of its own, like those of a client that pages through the list in GraphQL: nothing is held open
between two pages, however slowly they are taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

from graph.domain import reading
from graph.domain.context import Context
from graph.domain.errors import Unauthenticated, outages
from graph.domain.permissions import viewer_of
from graph.domain.sessions import is_still_valid
from graph.exports.columns import has_sums, row_plan, shown
from graph.exports.currency_columns import Position, currencies_in_use, marked, split
from graph.exports.export_lists import ExportList
from graph.query import rows
from graph.query.page_values import GivenFilter, condition_forms, filter_names, page_values
from graph.query.pages import PageTable
from graph.query.plan import Field, PageInfoFields, PagePlan, Table

CURSOR = "cursor"
# Stops the export of a revoked token within a second and a page.
CHECK_SECONDS = 1
# A click may have to wait until the values of so many rows have been computed and encoded.
SLICE_ROWS = 100


class ExportedRows(NamedTuple):
    """Some rows of an export: the values of each column, the cursor last, and how many rows there are."""

    columns: Sequence[Sequence[Any]]
    row_count: int


class Export:
    """The rows of a list that a viewer may see, in the list's default order, optionally after a cursor. Rows that exist
    when the first page is read come exactly once, except those that a filter stops or begins to match meanwhile. In a
    flat file, sums in several currencies have a column for each. Raises `Unauthenticated`."""

    def __init__(
        self,
        context: Context,
        listed: ExportList,
        filters: Mapping[str, GivenFilter],
        after: Position | None = None,
        *,
        is_flat: bool = False,
    ) -> None:
        self.is_complete = False
        """Whether the last page has been read."""
        self._context = context
        self._list, self._filters = listed, filters
        self._columns = shown(listed.entity, listed.columns, viewer_of(context).audience)
        self._rows = row_plan(listed.entity, self._columns, is_flat=is_flat)
        self._split = {column.name for column in self._columns if is_flat and has_sums(listed.entity, column)}
        self._after = None if after is None else after.cursor
        self._currencies = None if after is None else after.currencies
        self._checked_at = monotonic()

    async def begin(self) -> Sequence[str]:
        """Decide which columns there are, and return their names. Raises `DatabaseAway`."""
        # A replica that is behind lacks rows of later pages that the first one counted on.
        self._context = await reading.from_now_on(self._context)
        if self._split and self._currencies is None:
            sums = [column.path[0] for column in self._columns if column.name in self._split]
            self._currencies = await currencies_in_use(self._context, sums)
        return [name for column in self._columns for name in self._names(column.name)] + [CURSOR]

    def _names(self, column: str) -> Sequence[str]:
        if column not in self._split:
            return [column]
        return [f"{column}_{currency.lower()}" for currency in self._currencies or ()]

    async def read(self, size: int) -> Iterator[ExportedRows]:
        """Return the next rows, at most `size`, a few at a time, whose values are computed when their turn comes.
        Raises `FieldInvalid` for the values of a filter or the cursor, `DatabaseAway`, and `Unauthenticated` once the
        token stops being valid."""
        await self._check_token()
        cursors = {} if self._after is None else {"after": self._after}
        plan = self._plan(tuple(cursors))
        page = await rows.page(self._context, plan, page_values(plan, size, self._filters, cursors))
        self.is_complete = not page["pageInfo"]["hasNextPage"]
        self._after = page["pageInfo"]["endCursor"]
        return self._slices(page["rows"])

    def _plan(self, bounds: tuple[str, ...]) -> PagePlan:
        info = (Field("hasNextPage", "has_next_page"), Field("endCursor", "end_cursor"))
        return PagePlan(
            number=0,
            entity=self._list.entity.name,
            order=self._list.order,
            descending=True,
            filters=filter_names(self._filters),
            conditions=condition_forms(self._filters),
            bounds=bounds,
            backwards=False,
            parts=(Table("rows", self._rows), PageInfoFields("pageInfo", info)),
        )

    async def _check_token(self) -> None:
        if monotonic() < self._checked_at + CHECK_SECONDS:
            return
        with outages():
            if not await is_still_valid(self._context):
                raise Unauthenticated
        self._checked_at = monotonic()

    def _slices(self, table: PageTable) -> Iterator[ExportedRows]:
        for start in range(0, len(table), SLICE_ROWS):
            end = min(start + SLICE_ROWS, len(table))
            yield ExportedRows(self._flat(table.columns(start, end)), end - start)

    def _flat(self, columns: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        if not self._split:
            return columns
        currencies, (*values, cursors) = self._currencies or (), columns
        flat: list[Sequence[Any]] = []
        for column, found in zip(self._columns, values, strict=True):
            flat += split(found, currencies) if column.name in self._split else [found]
        return [*flat, marked(cursors, currencies)]
