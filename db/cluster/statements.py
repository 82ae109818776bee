"""The statements that look at a cluster, and distribute tables over it.

Apart from the order of things, which is in `distributing`.
"""

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
# Views, and functions whose body PostgreSQL has parsed.
DEPENDENT = """
    SELECT DISTINCT coalesce(view.oid::regclass::text, objid::regprocedure::text)
    FROM unnest(:names) AS names (name) CROSS JOIN to_regclass(quote_ident(name)) AS found
    CROSS JOIN LATERAL (SELECT found UNION SELECT relid FROM pg_partition_tree(found)) AS tree (relation)
    JOIN pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = relation
    LEFT JOIN pg_rewrite ON classid = 'pg_rewrite'::regclass AND pg_rewrite.oid = objid
    LEFT JOIN pg_class view ON view.oid = ev_class AND view.oid <> relation
    WHERE view.oid IS NOT NULL OR classid = 'pg_proc'::regclass ORDER BY 1
"""
MAY_SKIP_CHECKS = """
    SELECT rolsuper OR has_parameter_privilege('session_replication_role', 'SET')
    FROM pg_roles WHERE rolname = current_user
"""
BYTES = """
    SELECT name, sum(pg_total_relation_size(coalesce(relid, found)))::bigint FROM unnest(:names) AS names (name)
    CROSS JOIN to_regclass(quote_ident(name)) AS found LEFT JOIN pg_partition_tree(found) ON true GROUP BY name
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


DISTRIBUTE_FIRST = "SELECT create_distributed_table(:table, :column, shard_count => :shards)"
DISTRIBUTE = "SELECT create_distributed_table(:table, :column, colocate_with => :first)"
COPY_EVERYWHERE = "SELECT create_reference_table(:table)"
