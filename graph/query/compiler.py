"""Compiles plans to SQL statements, for pages and for rows.

A statement is compiled once per plan and audience, and cached. Ids, dates and page sizes are parameters.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cachetools import LRUCache, cached
from cachetools.keys import hashkey
from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, join, literal_column, select
from sqlalchemy.orm import aliased

from db.sql.compiled_queries import DialectQuery, compile_for
from db.sql.functions import Ids
from db.sql.statement_form import StatementForm
from db.sql.top_n_per_group import Joined, children_of, children_on_nodes
from graph.domain.scope import Audience, visible
from graph.query.cluster_rows import with_program
from graph.query.entities import ENTITIES
from graph.query.entity import Entity, Lookup, MappedRow, Parameters
from graph.query.list_conditions import ListConditions
from graph.query.list_parents import ListParents, ParentColumns, list_parents, spans_programs
from graph.query.plan import (
    Amounts,
    Edges,
    Nodes,
    PageInfoFields,
    PagePlan,
    RowPlan,
    Table,
    Through,
    ToMany,
    ToOne,
    TotalCount,
)
from graph.query.select_builder import NestedConnection, SelectBuilder
from graph.query.statements import InlineConnection, PageStatement, RowsStatement

# A dashboard has a few dozen statements of 20 to 80 KiB. A client that keeps sending new ones only slows itself down.
CACHE_BYTES = 16 * 1024 * 1024
# The memory that a statement takes besides its queries, as measured.
BYTES_PER_STATEMENT = 4096
BYTES_PER_PLAN_BYTE = 5

cached_statements: LRUCache[object, PageStatement | RowsStatement] = LRUCache(
    CACHE_BYTES, getsizeof=lambda statement: statement.size_bytes
)


@cached(cached_statements, key=partial(hashkey, "page"))
def page_statement(
    page: PagePlan, parent_columns: ParentColumns, audience: Audience, form: StatementForm
) -> PageStatement:
    """Compile a page of the whole list, or of each parent's children if `parent_columns` names the columns that hold
    the parent's key."""
    listing, builder = ListConditions(page, audience, parent_columns, form), SelectBuilder(audience)
    parents, is_sqlite = list_parents(page, parent_columns, audience, form), form.is_sqlite
    # Nothing is joined, so sorting the rows once is enough.
    is_plain = parents.source is None and not _reads_others(page)
    if is_plain:
        row = aliased(ENTITIES[page.entity].table)
        joined = Joined(row, row)
    else:
        joined = _page_rows(page, listing, parents, parent_columns, form)
    sorted_row = joined.row
    if form.is_cluster:
        joined = with_program(joined)
    parent = builder.add_columns([getattr(joined.row, name) for name in parent_columns])
    position = builder.add_columns(listing.columns(sorted_row))
    node_factories = {nodes: builder.nodes(joined.row, nodes.plan) for nodes in page.nodes}
    table_factories = {table: builder.table(joined.row, table.plan) for table in page.tables}
    statement = builder.select(joined.source)
    statement = listing.limited(statement, sorted_row) if is_plain else statement.order_by(*listing.sorting(sorted_row))
    has_rows = any(isinstance(part, Nodes | Edges | Table | PageInfoFields) for part in page.parts)
    has_total = any(isinstance(part, TotalCount) for part in page.parts)
    rows = compile_for(statement, is_sqlite=is_sqlite) if has_rows else None
    total = _total(page, listing, parents, parent_columns, is_sqlite=is_sqlite) if has_total else None
    size_bytes = _size_bytes(page, rows, total)
    return PageStatement(rows, total, parent, position, node_factories, builder.nested, table_factories, size_bytes)


@cached(cached_statements, key=partial(hashkey, "rows"))
def rows_statement(plan: RowPlan, lookup: str, audience: Audience, form: StatementForm) -> RowsStatement:
    """Compile a lookup. If a single row has exactly one connection under it, that is read in the same statement."""
    entity, builder, is_sqlite = ENTITIES[plan.entity], SelectBuilder(audience), form.is_sqlite
    row = aliased(entity.table)
    there = with_program(Joined(row, row)) if form.is_cluster else Joined(row, row)
    found = entity.lookups[lookup]
    values: Parameters = {name: _lookup_value(name, found) for name in found.values}
    key = builder.add_columns(entity.key_columns(row))
    build = builder.nodes(there.row, plan)
    conditions, sorting = [visible(row, audience), found.condition(row, values)], [*entity.key_columns(row)]
    inline = None
    is_unique = found.is_unique and not form.is_cluster
    if is_unique and len(builder.nested) == 1 and _is_simple(builder.nested[0]):
        nested = builder.nested.pop()
        listing = ListConditions(nested.page, audience, nested.parent_columns, form)
        joined = _children(nested, builder.parent_keys[nested.page], row, listing, is_sqlite=is_sqlite)
        inline, source = _inline(nested, joined.row, listing, builder), joined.source
        sorting += listing.sorting(joined.row)
    else:
        source = there.source
    query = compile_for(builder.select(source).where(*conditions).order_by(*sorting), is_sqlite=is_sqlite)
    return RowsStatement(query, key, build, builder.nested, _size_bytes(plan, query), inline)


def _size_bytes(plan: PagePlan | RowPlan, *queries: DialectQuery | None) -> int:
    own = sum(query.size_bytes for query in queries if query is not None)
    return BYTES_PER_STATEMENT + BYTES_PER_PLAN_BYTE * plan.size_bytes + own


def _is_simple(nested: NestedConnection) -> bool:
    """Return whether a page is read in one part, and has neither a total nor connections under its rows."""
    page = nested.page

    def has_pages(plan: RowPlan) -> bool:
        return any(
            isinstance(part, ToMany) or (isinstance(part, ToOne) and has_pages(part.plan)) for part in plan.parts
        )

    has_total = any(isinstance(part, TotalCount) for part in page.parts)
    is_divided = spans_programs(page, nested.parent_columns)
    return not is_divided and not has_total and not any(has_pages(nodes.plan) for nodes in page.nodes)


def _children(
    nested: NestedConnection,
    parent_key: Sequence[ColumnElement[Any]],
    row: MappedRow,
    listing: ListConditions,
    *,
    is_sqlite: bool,
) -> Joined:
    entity = ENTITIES[nested.page.entity]

    def matches(child: MappedRow) -> Sequence[ColumnElement[bool]]:
        return [getattr(child, name) == key for name, key in zip(nested.parent_columns, parent_key, strict=True)]

    def limited(child: MappedRow) -> Select[Any]:
        return listing.limited(select(child), child, matches)

    return children_of(row, entity.table, limited, entity.key_columns, is_sqlite=is_sqlite, is_outer=True)


def _inline(
    nested: NestedConnection, child: MappedRow, listing: ListConditions, builder: SelectBuilder
) -> InlineConnection:
    key = builder.add_columns(ENTITIES[nested.page.entity].key_columns(child))
    position = builder.add_columns(listing.columns(child))
    node_factories = {nodes: builder.nodes(child, nodes.plan) for nodes in nested.page.nodes}
    return InlineConnection(nested, PageStatement(None, None, nested.key, position, node_factories, ()), key)


def _lookup_value(name: str, lookup: Lookup) -> BindParameter[Any]:
    return bindparam(f"lookup_{name}", type_=Ids() if name == lookup.lists else None)


def _page_rows(
    page: PagePlan, listing: ListConditions, parents: ListParents, parent_columns: ParentColumns, form: StatementForm
) -> Joined:
    """Return the page's rows, selected before anything is joined to them: a list may have a million rows, and each
    program contributes as many as the page holds."""
    entity = ENTITIES[page.entity]

    def limited(child: MappedRow) -> Select[Any]:
        return listing.limited(select(child), child, parents.matches)

    if parents.source is None:
        found = limited(aliased(entity.table))
    else:
        if parents.by_program:
            joined = children_on_nodes(parents.source, entity.table, limited, parents.program_id)
        else:
            joined = children_of(parents.source, entity.table, limited, entity.key_columns, is_sqlite=form.is_sqlite)
        if parents.is_divided and parent_columns:
            ranked = listing.ranked(select(joined.row).select_from(joined.source), joined.row, parents.keys)
            row = aliased(entity.table, ranked.subquery("page"))
            return Joined(row, row)
        if form.is_cluster and not entity.is_large:
            # With the offset, a cluster finds them before it joins anything that is distributed.
            found = select(joined.row).select_from(joined.source).offset(literal_column("0"))
            row = aliased(entity.table, found.subquery("page"))
            return Joined(row, row)
        if parent_columns or parents.is_single:
            return joined
        if form.is_sqlite:
            keys = select(*entity.key_columns(joined.row)).select_from(joined.source)
            return _with_keys(entity, listing.cut(keys, joined.row))
        found = listing.cut(select(joined.row).select_from(joined.source), joined.row)
    row = aliased(entity.table, found.subquery("page"))
    return Joined(row, row)


def _with_keys(entity: Entity, keys: Select[Any]) -> Joined:
    """Return the rows with these keys. SQLite copies all selected columns when it sorts, so a page is found by its
    keys, and only its own rows are read in full."""
    page, row = keys.subquery("page"), aliased(entity.table)
    same = [column == key for column, key in zip(entity.key_columns(row), page.c, strict=True)]
    return Joined(join(page, row, and_(*same)), row)


def _total(
    page: PagePlan, listing: ListConditions, parents: ListParents, parent_columns: ParentColumns, *, is_sqlite: bool
) -> DialectQuery:
    """Return the count of the whole list, or the count for each parent with the parent's key."""
    row = aliased(ENTITIES[page.entity].table)
    counted = select(*(parents.keys if parent_columns else []), func.count().label("total"))
    counted = counted.select_from(row) if parents.source is None else counted.select_from(parents.source, row)
    counted = counted.where(*parents.matches(row), *listing.conditions(row))
    return compile_for(counted.group_by(*parents.keys) if parent_columns else counted, is_sqlite=is_sqlite)


def _reads_others(page: PagePlan) -> bool:
    """Return whether reading a row involves other rows: SQLite would read them for each row that it sorts."""
    entity = ENTITIES[page.entity]
    return any(
        isinstance(part, ToOne)
        or (isinstance(part, Through) and part.name in entity.references)
        or (isinstance(part, Amounts) and part.name in entity.sums)
        for plan in page.row_plans
        for part in plan.parts
    )
