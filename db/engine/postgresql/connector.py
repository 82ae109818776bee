"""Open connections to PostgreSQL as its URL says, with the settings that each kind of session needs."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from db.engine.postgresql.pgbouncer import PgBouncerConnection
from db.engine.postgresql.url import ConnectionParameters, settings_in
from db.errors import UnusableDatabase

# Unless the URL's `connect_timeout` says otherwise.
CONNECT_SECONDS = 5
# PgBouncer's words, of settings that a session begins with.
STARTUP_REFUSED = "unsupported startup parameter"


class Connector:
    """Knows how to connect to one database."""

    def __init__(self, target: ConnectionParameters) -> None:
        self._target = target
        self._timeout = CONNECT_SECONDS if target.timeout == 0 else target.timeout
        # PgBouncer refuses most settings of a session when it begins, and these with the others.
        self._options = settings_in(target.options) if target.is_pooled else {}

    @property
    def adapter_arguments(self) -> Mapping[str, Any]:
        """What SQLAlchemy's adapter of the driver is to be given."""
        if not self._target.is_pooled:
            return {}
        # A statement without a name, which the next one replaces: it is run in the transaction in which it is prepared.
        return {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}

    async def connect(self, settings: Mapping[str, str], **arguments: Any) -> asyncpg.Connection:
        """Open a connection whose session has these settings, and those of the URL. Raises what the driver does, and
        `UnusableDatabase` where PgBouncer is between and the URL does not tell."""
        target = self._target
        given = {**target.arguments, **arguments, "timeout": self._timeout}
        named = {**settings, **target.settings}
        if not target.is_pooled:
            if target.options:
                named["options"] = target.options
            try:
                return await asyncpg.connect(**given, server_settings=named)
            except asyncpg.ProtocolViolationError as error:
                if STARTUP_REFUSED not in str(error):
                    raise
                raise UnusableDatabase(f"{error}: behind PgBouncer, the database URL needs `pgbouncer=true`") from None
        startup = {name: value for name, value in named.items() if name == "application_name"}
        connection = await asyncpg.connect(
            **given, server_settings=startup, statement_cache_size=0, connection_class=PgBouncerConnection
        )
        connection.set_settings({**named, **self._options})
        return connection
