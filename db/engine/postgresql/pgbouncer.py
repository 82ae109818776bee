"""A connection to PgBouncer in transaction mode, where each transaction may run in another server session.

No state may outlive a transaction there: neither settings nor prepared statements, not even between the driver's
preparing and executing one. So every statement runs in a transaction, and every transaction starts with the settings.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

# These cannot be changed after a transaction's first query, so `SET TRANSACTION` sets them.
CHARACTERISTICS = {
    "default_transaction_isolation": "ISOLATION LEVEL {}",
    "default_transaction_read_only": "{}",
}
READ_ONLY = {"on": "READ ONLY", "off": "READ WRITE"}


class PgBouncerConnection(asyncpg.Connection):
    """A connection that applies its settings at the start of each transaction instead of to the session."""

    _prelude = ""

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Set the settings that each transaction starts with."""
        given = dict(settings)
        characteristics = [
            form.format(READ_ONLY.get(given[name], given[name]))
            for name, form in CHARACTERISTICS.items()
            if name in given
        ]
        values = [
            f"set_config({_quoted(name)}, {_quoted(value)}, true)"
            for name, value in given.items()
            if name not in CHARACTERISTICS and name != "application_name"
        ]
        statements = [f"SET TRANSACTION {', '.join(characteristics)}"] if characteristics else []
        if values:
            statements.append(f"SELECT {', '.join(values)}")
        self._prelude = "; ".join(statements)

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        if args:
            async with self._one_session():
                return await super().execute(query, *args, **options)
        if self._prelude and query.startswith("BEGIN"):
            query = f"{query.rstrip(';')}; {self._prelude}"
        return await super().execute(query, **options)

    async def executemany(self, *args: Any, **options: Any) -> None:
        async with self._one_session():
            await super().executemany(*args, **options)

    async def fetch(self, *args: Any, **options: Any) -> Any:
        async with self._one_session():
            return await super().fetch(*args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        async with self._one_session():
            return await super().fetchrow(*args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        async with self._one_session():
            return await super().fetchval(*args, **options)

    async def set_type_codec(self, *args: Any, **options: Any) -> None:
        async with self._one_session():
            await super().set_type_codec(*args, **options)

    @asynccontextmanager
    async def _one_session(self) -> AsyncIterator[None]:
        if self.is_in_transaction():
            yield
        else:
            async with self.transaction():
                yield


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
