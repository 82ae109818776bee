"""Empty twins of tables, in a schema of their own, and the commands that put them in the tables' place.

A twin has its table's columns, defaults, checks, keys, indexes, partitions, sequences and privileges, all of the same
names, and no triggers. All of this is read from the catalogs, so that it includes what an operator has added, and works
on any PostgreSQL.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster.placement import DISTRIBUTED, KEYS, REFERENCE

COPIES = "clickgate_copies"
"""The schema of the twins while they are filled, and of what notes changes meanwhile."""
REPLACED = "clickgate_replaced"
"""The schema of the tables that twins have replaced, until nobody reads them any more."""

# The tables and their partitions, tables first.
_RELATIONS = """
    WITH relations AS (
        SELECT names.place, top.relname AS table_name, relation.*
        FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS names (name, place)
        JOIN pg_class top ON top.relname = name AND top.relnamespace = current_schema()::regnamespace
        CROSS JOIN LATERAL (SELECT top.oid UNION SELECT relid FROM pg_partition_tree(top.oid)) AS tree (oid)
        JOIN pg_class relation ON relation.oid = tree.oid
    ), sequences AS (
        SELECT place, relations.relname, attname, deptype, pg_sequence.*, sequence.relname AS name, sequence.relacl
        FROM relations
        JOIN pg_depend ON refobjid = relations.oid AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
        AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
        JOIN pg_class sequence ON sequence.oid = objid AND sequence.relkind = 'S'
        JOIN pg_sequence ON seqrelid = sequence.oid
        JOIN pg_attribute ON attrelid = relations.oid AND attnum = refobjsubid
    )
"""
TABLES = f"""{_RELATIONS}
    SELECT format(
        'CREATE TABLE {COPIES}.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES)%s%s', relname, oid::regclass,
        ' PARTITION BY ' || pg_get_partkeydef(oid), ' WITH (' || array_to_string(reloptions, ', ') || ')'
    ) FROM relations ORDER BY place, relispartition, relname
"""  # noqa: S608  our own words
# Identity columns already have theirs.
SEQUENCES = f"""{_RELATIONS}
    SELECT unnest(ARRAY[
        format(
            'CREATE SEQUENCE {COPIES}.%I AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s',
            name, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache,
            CASE WHEN seqcycle THEN ' CYCLE' END
        ),
        format('ALTER SEQUENCE {COPIES}.%I OWNED BY {COPIES}.%I.%I', name, relname, attname),
        format('ALTER TABLE {COPIES}.%I ALTER %I SET DEFAULT nextval(''{COPIES}.%I'')', relname, attname, name)
    ]) FROM sequences WHERE deptype = 'a' ORDER BY place, name
"""  # noqa: S608  our own words
UNIQUE_CONSTRAINTS = f"""{_RELATIONS}
    SELECT format(
        'ALTER TABLE {COPIES}.%I ADD CONSTRAINT %I %s', relname, conname, coalesce(
            'PRIMARY KEY (' || CASE contype WHEN 'p' THEN CAST(:keys AS jsonb) ->> table_name END || ')',
            pg_get_constraintdef(pg_constraint.oid)
        )
    ) FROM relations JOIN pg_constraint ON conrelid = relations.oid
    WHERE contype IN ('p', 'u', 'x') ORDER BY place, relispartition, relname, conname
"""  # noqa: S608  our own words
INDEXES = f"""{_RELATIONS}
    SELECT regexp_replace(
        pg_get_indexdef(indexrelid), ' ON (ONLY )?' || quote_ident(current_schema()) || '\\.', ' ON {COPIES}.'
    ) FROM relations JOIN pg_index ON indrelid = relations.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    AND indisvalid ORDER BY place, relispartition, relname, indexrelid
"""  # noqa: S608  our own words
PARTITIONS = f"""{_RELATIONS}
    SELECT format(
        'ALTER TABLE {COPIES}.%I ATTACH PARTITION {COPIES}.%I %s', table_name, relname, pg_get_expr(relpartbound, oid)
    ) FROM relations WHERE relispartition ORDER BY place, relname
"""  # noqa: S608  our own words
PRIVILEGES = f"""{_RELATIONS}, granted AS (
        SELECT place, relname, '' AS object, '' AS columns, relacl AS acl FROM relations
        UNION ALL
        SELECT place, name, 'SEQUENCE ', '', relacl FROM sequences
        UNION ALL
        SELECT place, relname, '', format('(%I)', attname), attacl FROM relations
        JOIN pg_attribute ON attrelid = oid WHERE attnum > 0 AND NOT attisdropped
    )
    SELECT format(
        'GRANT %s%s ON %s{COPIES}.%I TO %s%s', privilege_type, columns, object, relname,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END
    ) FROM granted CROSS JOIN aclexplode(acl) WHERE grantee <> grantor ORDER BY place, relname, 1
"""  # noqa: S608  our own words
OWNERS = f"""{_RELATIONS}
    SELECT format('ALTER TABLE {COPIES}.%I OWNER TO %s', relname, relowner::regrole) FROM relations
    WHERE relowner <> current_user::regrole ORDER BY place, relispartition, relname
"""  # noqa: S608  our own words
# In the place of a table; its sequences go with it.
COUNT_ON = f"""{_RELATIONS}
    SELECT format(
        'SELECT setval(''{COPIES}.%I'', last_value, is_called) FROM %I.%I', name, current_schema(), name
    ) FROM sequences ORDER BY place, name
"""  # noqa: S608  our own words
MOVE_AWAY = f"""{_RELATIONS}
    SELECT format('ALTER TABLE %s SET SCHEMA {REPLACED}', oid::regclass) FROM relations
    ORDER BY place, relispartition, relname
"""  # noqa: S608  our own words
MOVE_IN = f"""{_RELATIONS}
    SELECT format('ALTER TABLE {COPIES}.%I SET SCHEMA %I', relname, current_schema()) FROM relations
    ORDER BY place, relispartition, relname
"""  # noqa: S608  our own words
# Partitions have their table's.
FOREIGN_KEYS = """
    SELECT conname, child.relname, parent.relname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint
    JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
    WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::regnamespace
    ORDER BY child.relname, conname
"""


class ForeignKey(NamedTuple):
    """A foreign key from a child's to a parent's table."""

    name: str
    child: str
    parent: str
    definition: str


class Twins(NamedTuple):
    """The commands that replace tables by twins."""

    create: Sequence[str]
    """Create the twins in `COPIES`, all by themselves."""
    connect: Sequence[str]
    """Add the foreign keys that a cluster can keep. They take no time while twins are empty."""
    replace: Sequence[str]
    """Move the tables to `REPLACED` and the twins to where the tables were, in one transaction."""


async def twins_of(connection: AsyncConnection, tables: Sequence[str]) -> Twins:
    """Return the commands that replace tables. They work on any PostgreSQL."""

    async def commands(query: str) -> Sequence[str]:
        values = {"names": list(tables)} | ({"keys": json.dumps(dict(KEYS))} if ":keys" in query else {})
        statement = text(query).bindparams(bindparam("names", type_=ARRAY(Text)))
        return list(await connection.scalars(statement, values))

    keys = [ForeignKey(*row) for row in await connection.execute(text(FOREIGN_KEYS))]
    outside = [key for key in keys if key.parent in tables and key.child not in tables]
    create: list[str] = []
    for query in (TABLES, SEQUENCES, UNIQUE_CONSTRAINTS, INDEXES):
        create += await commands(query)
    # What the old primary key found quickly, an index does, which a database restored from a cluster's dump has.
    create += [f"CREATE INDEX IF NOT EXISTS ix_{name}_id ON {COPIES}.{name} (id)" for name in KEYS if name in tables]
    for query in (PARTITIONS, PRIVILEGES, OWNERS):
        create += await commands(query)
    return Twins(
        create,
        [_add(key, tables) for key in keys if key.child in tables and can_keep(key)],
        [
            *(f"ALTER TABLE {key.child} DROP CONSTRAINT {key.name}" for key in outside),
            *(await commands(COUNT_ON)),
            *(await commands(MOVE_AWAY)),
            *(await commands(MOVE_IN)),
            *(_add(key, ()) for key in outside if can_keep(key)),
        ],
    )


def can_keep(key: ForeignKey) -> bool:
    """Return whether a cluster can keep a foreign key: to a table that each node has, or within a program."""
    return key.parent in REFERENCE or (key.child in DISTRIBUTED and key.parent in DISTRIBUTED)


def _add(key: ForeignKey, twins: Sequence[str]) -> str:
    child = f"{COPIES}.{key.child}" if key.child in twins else key.child
    definition = key.definition
    if key.parent in twins:
        definition = definition.replace(f" REFERENCES {key.parent}(", f" REFERENCES {COPIES}.{key.parent}(")
    return f"ALTER TABLE {child} ADD CONSTRAINT {key.name} {definition}"
