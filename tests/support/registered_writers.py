"""The rows of registered writers, and the events that they committed."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from db.engine.store import Store
from db.ingest.clicks.records import Click, VisitRecord
from db.ingest.committer import Committer
from db.schema.clicks import ClickEvent
from db.schema.writers import RunningWriter


def click(**visit: Any) -> Click:
    return Click(datetime.now(UTC), 1, 1, 1, "https://yoursite.com/?aff=PARTNER123", VisitRecord(**visit))


class Keeping(logging.Handler):
    """A handler that keeps log records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


async def writers(store: Store) -> dict[int, Any]:
    """Return the rows of running writers, by id."""
    async with store.read() as connection:
        rows = await connection.execute(select(RunningWriter.__table__).where(RunningWriter.id > 0))
        return {row.id: row for row in rows}


async def fall_silent(store: Store) -> None:
    """Make every writer look as if it had not refreshed its row for a while."""
    async with store.write() as connection:
        await connection.execute(update(RunningWriter).values(refreshed_at=datetime.now(UTC) - timedelta(minutes=1)))


async def events(store: Store) -> list[Any]:
    async with store.read() as connection:
        found = select(ClickEvent.id, ClickEvent.occurred_at, ClickEvent.session_id).order_by(ClickEvent.id)
        return list(await connection.execute(found))


async def renewed(committer: Committer) -> datetime:
    """Advance a writer's watermark as far as possible, store it, and return it."""
    moment = committer.watermark.advanced(None)
    await committer.renew()
    return moment
