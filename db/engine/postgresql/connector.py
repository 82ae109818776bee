"""Opening connections to PostgreSQL, directly or through PgBouncer.

The database URL and each kind of session have settings of their own, which PgBouncer wants to be told in another way.
On a cluster a session needs some more.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg

from db.engine.postgresql.pgbouncer import PgBouncerConnection
from db.engine.postgresql.url import ConnectionParameters, settings_in
from db.errors import UnusableDatabase

# Unless the URL's `connect_timeout` says otherwise.
CONNECT_SECONDS = 5
# The message with which PgBouncer rejects a startup parameter.
STARTUP_REFUSED = "unsupported startup parameter"
# Where the database has the extension that makes it a cluster, see `db.cluster`.
CLUSTER_SESSION = {
    # A node's part of a transaction is one transaction there.
    "citus.multi_shard_modify_mode": "sequential",
    "citus.max_adaptive_executor_pool_size": "1",
    # Which nodes a statement goes to depends on its values.
    "plan_cache_mode": "force_custom_plan",
    # Hiding the shards makes the driver's look-up of array types, in each session, a hundred times slower.
    "citus.override_table_visibility": "off",
}
_SET = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in CLUSTER_SESSION.items())
JOIN_CLUSTER = f"SELECT {_SET} FROM pg_extension WHERE extname = 'citus'"  # noqa: S608  our own words


class Connector:
    """Opens connections to one database."""

    def __init__(self, target: ConnectionParameters) -> None:
        self._target = target
        self._timeout = CONNECT_SECONDS if target.timeout == 0 else target.timeout
        # PgBouncer rejects `options` at startup, along with most other settings.
        self._options = settings_in(target.options) if target.is_pooled else {}
        self.is_cluster = False
        """Whether the latest connection led to the coordinator of a cluster."""

    @property
    def adapter_arguments(self) -> Mapping[str, Any]:
        """Keyword arguments for SQLAlchemy's adapter of the driver."""
        if not self._target.is_pooled:
            return {}
        # Unnamed prepared statements, each of which runs in the transaction that prepared it and replaces the last one.
        return {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}

    async def connect(self, settings: Mapping[str, str], **arguments: Any) -> asyncpg.Connection:
        """Open a connection with these session settings and those of the URL. Raises the driver's errors, and
        `UnusableDatabase` if the server is PgBouncer and the URL does not say so."""
        target = self._target
        given = {**target.arguments, **arguments, "timeout": self._timeout}
        named = {**settings, **target.settings}
        if not target.is_pooled:
            if target.options:
                named["options"] = target.options
            try:
                connection: asyncpg.Connection = await asyncpg.connect(**given, server_settings=named)
            except asyncpg.ProtocolViolationError as error:
                if STARTUP_REFUSED not in str(error):
                    raise
                raise UnusableDatabase(
                    f"{error}: to connect through PgBouncer, add `pgbouncer=true` to the database URL"
                ) from None
            self.is_cluster = await connection.fetchrow(JOIN_CLUSTER) is not None
            return connection
        startup = {name: value for name, value in named.items() if name == "application_name"}
        pooled: PgBouncerConnection = await asyncpg.connect(
            **given, server_settings=startup, statement_cache_size=0, connection_class=PgBouncerConnection
        )
        self.is_cluster = await pooled.fetchrow(JOIN_CLUSTER) is not None
        pooled.set_settings({**named, **self._options, **(CLUSTER_SESSION if self.is_cluster else {})})
        return pooled
