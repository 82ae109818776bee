"""The statements that look at a cluster, and distribute tables over it.

Apart from the order of things, which is in `distributing`.
"""

from collections.abc import Iterator

from db.cluster.placement import KEYS

FIND_EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
IS_INSTALLED = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus')"
HAS_COORDINATOR = "SELECT EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0)"
COUNT_WORKERS = "SELECT count(*) FROM pg_dist_node WHERE noderole = 'primary' AND isactive AND shouldhaveshards"
# The nodes that cannot keep a prepared transaction, or that do not answer.
UNPREPARED = """
    SELECT nodename || ':' || nodeport FROM run_command_on_all_nodes('SHOW max_prepared_transactions')
    JOIN pg_dist_node USING (nodeid) WHERE NOT success OR result = '0' ORDER BY 1
"""
# The tables of this database's schema that are placed already, and what they are: distributed by hash, or everywhere.
PLACED = """
    SELECT relname, partmethod::text FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid
    WHERE relnamespace = current_schema()::regnamespace
"""
# Partitions have their table's.
FOREIGN_KEYS = """
    SELECT conname, child.relname, parent.relname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint
    JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
    WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::regnamespace
    ORDER BY child.relname, conname
"""
TRIGGERS = """
    SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
"""
PRIMARY_KEYS = """
    SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype = 'p' AND connamespace = current_schema()::regnamespace
"""
BYTES = """
    SELECT name, sum(pg_total_relation_size(coalesce(relid, found)))::bigint FROM unnest(:names) AS names (name)
    CROSS JOIN to_regclass(quote_ident(name)) AS found LEFT JOIN pg_partition_tree(found) ON true GROUP BY name
"""
# The tables of which the coordinator still has rows of its own, beside those of the nodes.
LEFT_OVER = """
    SELECT name FROM unnest(:names) AS names (name) CROSS JOIN to_regclass(quote_ident(name)) AS found
    LEFT JOIN pg_partition_tree(found) ON true GROUP BY name HAVING sum(pg_relation_size(coalesce(relid, found))) > 0
"""
NODE_BYTES = """
    SELECT nodename || ':' || nodeport, CASE WHEN success THEN result::bigint END
    FROM run_command_on_all_nodes('SELECT pg_database_size(current_database())') JOIN pg_dist_node USING (nodeid)
    ORDER BY groupid
"""
# Partitions count to their table.
TABLE_BYTES = """
    SELECT coalesce(parent.relname, child.relname), sum(shard_size)::bigint FROM citus_shards
    JOIN pg_class child ON child.oid = table_name
    LEFT JOIN pg_inherits ON inhrelid = child.oid LEFT JOIN pg_class parent ON parent.oid = inhparent GROUP BY 1
"""
# Sessions from before tables were distributed; those that are at work end their statement first.
END_IDLE = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'clickgate' AND state = 'idle'
    AND backend_start < :before AND pid <> pg_backend_pid()
"""
COUNT_OLD = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'clickgate'
    AND backend_start < :before AND pid <> pg_backend_pid()
"""


def lock_out(tables: list[str]) -> str:
    """Return the command that keeps everybody from tables."""
    return f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"


def drop_constraint(table: str, name: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {name}"


def add_constraint(table: str, name: str, definition: str) -> str:
    return f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"


def drop_trigger(table: str, name: str) -> str:
    return f"DROP TRIGGER {name} ON {table}"


def change_key(table: str, name: str) -> Iterator[str]:
    """Yield the commands that give a table the primary key that a cluster needs. What the old one found quickly, an
    index does, which is there already in a database restored from a cluster's dump."""
    yield f"ALTER TABLE {table} DROP CONSTRAINT {name}"
    yield f"ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY ({KEYS[table]})"
    yield f"CREATE INDEX IF NOT EXISTS ix_{table}_id ON {table} (id)"


DISTRIBUTE_FIRST = "SELECT create_distributed_table(:table, :column, shard_count => :shards)"
DISTRIBUTE = "SELECT create_distributed_table(:table, :column, colocate_with => :first)"
COPY_EVERYWHERE = "SELECT create_reference_table(:table)"
# What was copied is still in the coordinator's own table, where nothing reads it.
EMPTY_LOCAL = "SELECT truncate_local_data_after_distributing_table(:table)"
