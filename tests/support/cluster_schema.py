"""What a Citus cluster would refuse of a schema, read from the catalogs of a plain PostgreSQL database.

Lengths of names are no concern: the cluster shortens the name of a table, a key or an index whose shard's name would
be too long, and gives a shard's checks the names that they have.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster.placement import DISTRIBUTED, LOCAL, REFERENCE
from db.cluster.twins import COPIES, REPLACED, twins_of

# Partitions go by their table's name. `::text[]` is for the driver, which has no codec for arrays of names.
COLUMNS = """
    SELECT relname AS table_name, attname AS name, attnotnull AS is_required, format_type(atttypid, NULL) AS type
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped
    AND relnamespace = current_schema()::regnamespace
"""
UNIQUE_INDEXES = """
    SELECT top.relname AS table_name, index.relname AS name, ARRAY(
        SELECT attname FROM pg_attribute
        WHERE attrelid = indrelid AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1])
    )::text[] AS columns
    FROM pg_index JOIN pg_class index ON index.oid = indexrelid
    JOIN pg_class top ON top.oid = coalesce(pg_partition_root(indrelid), indrelid)
    WHERE (indisunique OR indisexclusion) AND index.relnamespace = current_schema()::regnamespace
"""
FOREIGN_KEYS = """
    SELECT top.relname AS table_name, conname AS name, parent.relname AS parent,
    array_agg(ours.attname)::text[] AS columns, array_agg(theirs.attname)::text[] AS parent_columns
    FROM pg_constraint CROSS JOIN unnest(conkey, confkey) AS joined (ours, theirs)
    JOIN pg_class top ON top.oid = coalesce(pg_partition_root(conrelid), conrelid)
    JOIN pg_class parent ON parent.oid = coalesce(pg_partition_root(confrelid), confrelid)
    JOIN pg_attribute ours ON ours.attrelid = conrelid AND ours.attnum = joined.ours
    JOIN pg_attribute theirs ON theirs.attrelid = confrelid AND theirs.attnum = joined.theirs
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
    GROUP BY pg_constraint.oid, top.relname, conname, parent.relname
"""
TRIGGERS = """
    SELECT top.relname AS table_name, tgname AS name FROM pg_trigger
    JOIN pg_class top ON top.oid = coalesce(pg_partition_root(tgrelid), tgrelid)
    WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""


class Fault(NamedTuple):
    """Something that a cluster refuses: the rule, and what breaks it."""

    rule: str
    table: str
    name: str = ""


async def make_ready(connection: AsyncConnection) -> None:
    """Change the schema as `clickgate db distribute` does, except for placing the tables."""
    twins = await twins_of(connection, (*DISTRIBUTED, *REFERENCE))
    steps = [
        f"CREATE SCHEMA {COPIES}",
        *twins.create,
        *twins.connect,
        f"CREATE SCHEMA {REPLACED}",
        *twins.replace,
        f"DROP SCHEMA {REPLACED} CASCADE",
        f"DROP SCHEMA {COPIES}",  # where nothing is left
    ]
    for command in steps:
        await connection.execute(text(command))


async def faults(connection: AsyncConnection) -> Collection[Fault]:
    """Return all that a cluster refuses of the schema as it is."""
    columns = await _rows(connection, COLUMNS)
    indexes = await _rows(connection, UNIQUE_INDEXES)
    foreign_keys = await _rows(connection, FOREIGN_KEYS)
    triggers = await _rows(connection, TRIGGERS)
    return [
        *_misplaced({row.table_name for row in columns}),
        *_distribution_columns(columns),
        *(
            Fault("a unique index lacks the program", row.table_name, row.name)
            for row in indexes
            if row.table_name in DISTRIBUTED and DISTRIBUTED[row.table_name] not in row.columns
        ),
        *(
            Fault("a foreign key leads to another node", row.table_name, row.name)
            for row in foreign_keys
            if not _stays_on_its_node(row)
        ),
        *(Fault("a table has a trigger", row.table_name, row.name) for row in triggers if row.table_name not in LOCAL),
    ]


async def _rows(connection: AsyncConnection, query: str) -> Sequence[Any]:
    return (await connection.execute(text(query))).all()


def _misplaced(tables: set[str]) -> list[Fault]:
    placed = [*DISTRIBUTED, *REFERENCE, *LOCAL]
    return [
        Fault("a table is not placed exactly once", name)
        for name in sorted(tables | set(placed))
        if placed.count(name) != 1 or name not in tables
    ]


def _distribution_columns(columns: Sequence[Any]) -> list[Fault]:
    found = {(row.table_name, row.name): row for row in columns}
    used = {table: found.get((table, column)) for table, column in DISTRIBUTED.items()}
    return [
        Fault("a distribution column is not a required bigint", table, DISTRIBUTED[table])
        for table, row in used.items()
        if row is None or not row.is_required or row.type != "bigint"
    ]


def _stays_on_its_node(row: Any) -> bool:
    """Return whether whatever a foreign key leads to is where its own row is."""
    if row.parent in REFERENCE:
        return True
    if row.table_name in LOCAL:
        return row.parent in LOCAL
    if row.table_name not in DISTRIBUTED or row.parent not in DISTRIBUTED:
        return False
    joined = (DISTRIBUTED[row.table_name], DISTRIBUTED[row.parent])
    return joined in zip(row.columns, row.parent_columns, strict=True)
