"""The writer's connection, with everything that is tied to it: ids reserved in its database, the writer's row there,
and what the writer promised."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy import func, select

from db.engine.backend.protocol import Fault, WriteConnection
from db.engine.schema_fence import check_revision
from db.engine.store import Store
from db.errors import SchemaOutdated
from db.ingest.id_blocks import IdBlocks
from db.ingest.promises import Promises
from db.ingest.registration import Registration
from db.schema.partners import PartnerProgram
from db.sql.compiled_queries import CompiledQuery

# A database that needs longer for it will find out by itself that the writer has gone.
RETIRE_SECONDS = 1
# When the latest click was.
LATEST = CompiledQuery(select(func.max(PartnerProgram.last_clicked_at)))


class WriterSession:
    """Opens the connection when it is needed, and registers the writer. Used by one task at a time.

    `promises` says which moments records may have. A record of before the promise that the writer has to start with is
    moved up to it.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._database = store.database
        self.ids = IdBlocks(store.database.engine.dialect)
        self._connection: WriteConnection | None = None
        self.generation = store.database.generation
        """Of the database that the connection is to, and that the ids are reserved in."""
        self.promises = Promises(clock)
        self._registration = None if store.is_sqlite else Registration(self.promises, self.ids)
        self._knows_latest = False

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to the database as well, so that promises are kept in it."""
        return self._registration is not None

    async def connected(self) -> WriteConnection:
        """Return the connection, as it is."""
        if self._connection is None:
            self._connection = await self._database.connect_writer()
            if self.generation != self._database.generation:
                # What was reserved in another database may be taken in this one.
                self.generation = self._database.generation
                self.ids = IdBlocks(self._database.engine.dialect)
        return self._connection

    async def ready(self) -> WriteConnection:
        """Return the connection, of a writer that others take into account."""
        connection = await self.connected()
        if self._registration is not None:
            await self._registration.ensure(connection)
        elif not self._knows_latest:
            ((latest,),) = await connection.read(LATEST, {})
            self._knows_latest = True
            if latest is not None:  # the clock may have gone back since then
                self.promises.start_at(latest)
        return connection

    async def renew(self) -> None:
        """Store what `promises` says by now, if other processes may write as well; register first. Raises
        `DatabaseUnavailable`, `SchemaOutdated`."""
        if self._registration is None:
            return
        try:
            with self._store.outages():
                try:
                    await self._registration.renew(await self.ready())
                except Exception as error:
                    if self._database.fault(error) is not Fault.OUTAGE:
                        raise
                    # Perhaps only this connection is gone.
                    await self.drop()
                    await self._registration.renew(await self.ready())
        except BaseException:
            self._registration.abandon()
            raise

    async def begin_anew(self) -> None:
        """Take note that the writer's row is gone; it will register again."""
        await self.roll_back()
        if self._registration is not None:
            self._registration.forget()

    async def roll_back(self) -> None:
        """Undo the open transaction, if there is one."""
        try:
            if self._connection is not None:
                await self._connection.rollback()
        except Exception:
            await self.drop()

    async def check_schema(self) -> None:
        """Raise `SchemaOutdated` where that explains a failure."""
        if self._registration is not None:
            await self.roll_back()
            try:
                await check_revision(await self.connected())
            except SchemaOutdated:
                raise
            except Exception:
                return  # the failure itself tells more

    def abandon(self) -> None:
        """Give the writer's row up, without knowing what becomes of the transaction under way in its name."""
        if self._registration is not None:
            self._registration.abandon()

    async def drop(self) -> None:
        """Give the connection up, with whatever transaction is open in it."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def disconnect(self) -> None:
        """Give the connection up. After a success, other processes are told that this one writes no more."""
        if self._registration is not None and self._connection is not None:
            with suppress(Exception):  # they will find out by themselves
                async with asyncio.timeout(RETIRE_SECONDS):
                    await self._registration.retire(self._connection)
            self._registration.abandon()
        await self.drop()
