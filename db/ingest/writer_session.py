"""The writer's connection and the state tied to it: reserved ids, the writer's row in the database, its watermark."""

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
from db.ingest.registration import Registration
from db.ingest.watermark import Watermark
from db.schema.partners import PartnerProgram
from db.sql.compiled_queries import CompiledQuery

# If this takes longer, the other writers will notice by themselves that this one has gone.
RETIRE_SECONDS = 1
# The time of the latest click.
LATEST = CompiledQuery(select(func.max(PartnerProgram.last_clicked_at)))


class WriterSession:
    """Opens the connection when it is needed, and registers the writer. Used by one task at a time.

    `watermark` decides which timestamps records may have. If the writer has to start from a later watermark, waiting
    records are moved up to it.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._database = store.database
        self.ids = IdBlocks(store.database.engine.dialect)
        self._connection: WriteConnection | None = None
        self.generation = store.database.generation
        """Which database the connection leads to and the ids are reserved in; see `Database.generation`."""
        self.watermark = Watermark(clock)
        self._registration = None if store.is_sqlite else Registration(self._database, self.watermark, self.ids)
        self._knows_latest = False

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to the database as well, so that the watermark is stored in it."""
        return self._registration is not None

    async def connected(self) -> WriteConnection:
        """Return the connection, opening it if necessary; the writer may not be registered."""
        if self._connection is None:
            self._connection = await self._database.connect_writer()
            if self.generation != self._database.generation:
                # What was reserved in another database may be taken in this one.
                self.generation = self._database.generation
                self.ids = IdBlocks(self._database.engine.dialect)
        return self._connection

    async def ready(self) -> WriteConnection:
        """Return the connection of a registered writer."""
        connection = await self.connected()
        if self._registration is not None:
            await self._registration.ensure(connection)
        elif not self._knows_latest:
            ((latest,),) = await connection.read(LATEST, {})
            self._knows_latest = True
            if latest is not None:  # the clock may have gone back since then
                self.watermark.start_at(latest)
        return connection

    async def renew(self) -> None:
        """Store the watermark if other processes may write as well, registering first. Raises `DatabaseUnavailable`,
        `SchemaOutdated`."""
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
        """Note that the writer's row is gone, so that it registers again."""
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
        """Raise `SchemaOutdated` if that explains a failure."""
        if self._registration is not None:
            await self.roll_back()
            try:
                await check_revision(await self.connected())
            except SchemaOutdated:
                raise
            except Exception:
                return  # the failure itself tells more

    def abandon(self) -> None:
        """Give up the writer's row, because a transaction whose outcome is unknown may still be running."""
        if self._registration is not None:
            self._registration.abandon()

    async def drop(self) -> None:
        """Close the connection, and with it any open transaction."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def disconnect(self) -> None:
        """Close the connection. If nothing went wrong, tell other processes first that this one writes no more."""
        if self._registration is not None and self._connection is not None:
            with suppress(Exception):  # they will notice by themselves
                async with asyncio.timeout(RETIRE_SECONDS):
                    await self._registration.retire(self._connection)
            self._registration.abandon()
        await self.drop()
