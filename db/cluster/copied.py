"""The tables that are copied to their twins, as copying needs to know them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster.placement import DISTRIBUTED, KEYS

# Tables come before their partitions.
COPIED = """
    SELECT relation.relname, names.name, relation.relkind = 'p',
        string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (WHERE attgenerated = ''),
        jsonb_object_agg(attname, format_type(atttypid, NULL))::text,
        coalesce(array_agg(attname::text ORDER BY array_position(indkey::int2[], attnum))
            FILTER (WHERE attnum = ANY (indkey::int2[])), '{}'),
        greatest(relation.reltuples, 1)::bigint,
        pg_total_relation_size(relation.oid)
    FROM unnest(:names) WITH ORDINALITY AS names (name, place)
    JOIN pg_class top ON top.relname = names.name AND top.relnamespace = current_schema()::regnamespace
    CROSS JOIN LATERAL (SELECT top.oid UNION SELECT relid FROM pg_partition_tree(top.oid)) AS tree (oid)
    JOIN pg_class relation ON relation.oid = tree.oid
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_index ON indrelid = relation.oid AND indisprimary
    GROUP BY names.place, names.name, relation.oid, relation.relname, relation.relkind, relation.relispartition,
        relation.reltuples
    ORDER BY names.place, relation.relispartition, relation.relname
"""


@dataclass(frozen=True, slots=True)
class Copied:
    """A table, or a partition of one."""

    name: str
    table: str
    """The table that it is a partition of, or itself."""
    is_partitioned: bool
    """Whether it has partitions, which have all of its rows."""
    columns: str
    """The names of the columns that can be written, as SQL has them."""
    types: dict[str, str]
    primary_key: Sequence[str]
    rows: int
    """How many the planner assumes that it has."""
    bytes: int

    @property
    def is_whole(self) -> bool:
        return self.name == self.table

    @property
    def key(self) -> Sequence[str]:
        """The primary key of the twin."""
        return KEYS[self.table].split(", ") if self.table in KEYS else self.primary_key

    @property
    def program_at(self) -> int | None:
        """The place in the key of the column that says where a row lies; None if each node has it."""
        return list(self.key).index(DISTRIBUTED[self.table]) if self.table in DISTRIBUTED else None


async def copied(connection: AsyncConnection, tables: Sequence[str]) -> Sequence[Copied]:
    """Return tables and their partitions."""
    names = bindparam("names", list(tables), type_=ARRAY(Text))
    found = await connection.execute(text(COPIED).bindparams(names))
    return [
        Copied(name, table, is_partitioned, columns, json.loads(types), primary_key, int(rows), int(size))
        for name, table, is_partitioned, columns, types, primary_key, rows, size in found
    ]
