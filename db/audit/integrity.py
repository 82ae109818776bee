"""Look for rows that should not be there: with values of a wrong type, without the rows that they belong to, or in the
outbox with a wrong number of events."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    ForeignKeyConstraint,
    Integer,
    Select,
    String,
    Table,
    and_,
    case,
    func,
    select,
)
from sqlalchemy.orm import DeclarativeBase

from db.outbox.conditions import covers
from db.outbox.events import EVENTS
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.columns import UtcDateTime
from db.schema.commissions import Commission
from db.schema.conversions import ConversionTestEvent, LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.id_blocks import IdBlock
from db.schema.outbox import OutboxRange
from db.schema.tables import METADATA
from db.sql.compiled_queries import CompiledQuery

# The table whose ids come from each kind of block.
BLOCKS: dict[str, type[DeclarativeBase]] = {
    "customers": Customer,
    "click_events": ClickEvent,
    "click_test_events": ClickTestEvent,
    "leads": LeadEvent,
    "sales": Sale,
    "refunds": Refund,
    "commissions": Commission,
    "conversion_test_events": ConversionTestEvent,
}


@cache
def storage_types() -> Sequence[tuple[list[str], CompiledQuery]]:
    """Return, for each table, the names of its columns and a query for how many values of each are not stored as the
    column's type. For SQLite only, which stores a value of any type in any column."""
    return [_storage_types(table) for table in METADATA.sorted_tables]


def _storage_types(table: Table) -> tuple[list[str], CompiledQuery]:
    numbers = []
    for column in table.columns:
        is_number = isinstance(column.type, Integer | Boolean | UtcDateTime)
        wanted = "integer" if is_number else "text" if isinstance(column.type, String) else None
        if wanted is not None:
            is_wrong = and_(func.typeof(column) != wanted, func.typeof(column) != "null")
            numbers.append(func.coalesce(func.sum(case((is_wrong, 1), else_=0)), 0).label(column.name))
    return [f"{table.name}.{number.name}" for number in numbers], CompiledQuery(select(*numbers).select_from(table))


@cache
def orphans() -> Sequence[tuple[str, CompiledQuery]]:
    """Return, for each foreign key, a description and a query for the number of rows without a parent."""
    return [
        _orphans(table, constraint)
        for table in METADATA.sorted_tables
        for constraint in sorted(table.foreign_key_constraints, key=lambda one: tuple(one.column_keys))
    ]


def _orphans(table: Table, constraint: ForeignKeyConstraint) -> tuple[str, CompiledQuery]:
    parent = constraint.referred_table.alias("parent")
    pairs = [(key.parent, parent.c[key.column.name]) for key in constraint.elements]
    given = and_(*(child.is_not(None) for child, _ in pairs))
    found = table.outerjoin(parent, and_(*(own == child for child, own in pairs)))
    is_missing = pairs[0][1].is_(None)
    names = " and ".join(child.name for child, _ in pairs)
    name = (
        f"{table.name} whose {names} {'is' if len(pairs) == 1 else 'are'} in no row of {constraint.referred_table.name}"
    )
    return name, CompiledQuery(select(func.count()).select_from(found).where(given, is_missing))


def queue_counts(kind: str) -> Select[*tuple[Any, ...]]:
    """Return the query for rows of the outbox with a wrong number of events of a kind: id, that number, and the right
    one."""
    row, (event, is_event) = OutboxRange, EVENTS[kind]
    counted = select(func.count()).select_from(event).where(covers(event), is_event).correlate(row)
    events = counted.scalar_subquery()
    return select(row.id, row.events, events).where(row.kind == kind, row.events != events).order_by(row.id)


def queue_overlaps() -> Select[*tuple[Any, ...]]:
    """Return the query for rows of the outbox whose events another row has, too, so that a consumer would process them
    twice: id, events."""
    row = OutboxRange
    before = func.max(row.last_id).over(
        partition_by=[row.program_id, row.kind, row.consumer], order_by=[row.first_id, row.id], rows=(None, -1)
    )
    ends = select(row.id, row.events, row.first_id, before.label("before")).subquery()
    return select(ends.c.id, ends.c.events).where(ends.c.first_id <= ends.c.before).order_by(ends.c.id)


def used_ids() -> Select[*tuple[Any, ...]]:
    """Return the query for kinds of ids whose next block starts with ids that are already in use: name, start of the
    next block, greatest id in use."""
    greatest: ColumnElement[Any] = case(
        *((IdBlock.name == name, select(func.max(table.id)).scalar_subquery()) for name, table in BLOCKS.items())  # type: ignore[attr-defined]  # all of them have ids
    )
    return select(IdBlock.name, IdBlock.next_id, greatest).where(IdBlock.next_id <= greatest).order_by(IdBlock.name)
