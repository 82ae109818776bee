"""Numbers of transactions, by which a reader of PostgreSQL knows what may still be committed.

They are read in statements of their own, outside any transaction, because on a cluster the nodes have numbers, and
snapshots, of their own: the lowest number before the rows that may be missing, and the next one after them. A writer
has its number before it takes the ids of what it writes. SQLite has one writer at a time and needs none of this.
"""

from sqlalchemy import BigInteger, column, text

from db.sql.compiled_queries import CompiledQuery

_OLDEST = "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
_NEXT = "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
_number = column("number", BigInteger)

OLDEST_RUNNING = CompiledQuery(text(f"SELECT {_OLDEST}").columns(_number))
"""The lowest number of a transaction that had not ended, or the next number."""
NEXT_NUMBER = CompiledQuery(text(f"SELECT {_NEXT}").columns(_number))
"""A number above those of all transactions that had begun."""
IN_SNAPSHOT = text(f"SELECT {_OLDEST}, {_NEXT}")
"""Both, in the snapshot of the open transaction."""

PREPARED = "SELECT coalesce(string_agg(gid, '','') , '''') FROM pg_prepared_xacts WHERE database = current_database()"
# The nodes commit what they have prepared shortly after the coordinator has committed, or much later if one of them
# fails meanwhile. The coordinator records what it has had prepared, and the record has the transaction's number.
_on_cluster = f"""
    SELECT CASE WHEN bool_and(node.success) THEN least({_OLDEST}, min({_NEXT} - age(recorded.xmin))) ELSE 0 END
    FROM run_command_on_all_nodes('{PREPARED}') node
    LEFT JOIN LATERAL unnest(string_to_array(node.result, ',')) AS pending (gid) ON true
    LEFT JOIN pg_dist_transaction recorded ON recorded.gid = pending.gid
"""  # noqa: S608  our own words
OLDEST_ON_CLUSTER = CompiledQuery(text(_on_cluster).columns(_number))
"""The same on a cluster, where a transaction has not ended before all nodes show what it has committed; 0 if a node
does not answer."""
