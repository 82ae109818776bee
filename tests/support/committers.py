"""Committers that record everything a gateway's does, and clicks for them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from db.engine.store import Store
from db.ingest.clicks.records import Click, VisitRecord
from db.ingest.committer import Committer
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.customers import Customer
from gateway.services import recorders

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def make_committer(store: Store, **options: Any) -> Committer:
    """Return a committer of a database."""
    return Committer(store, recorders(store.database), **options)


def click(event_id: str | None = None, *, link_id: int = 1, **visit: Any) -> Click:
    return Click(NOW, 1, link_id, 1, "https://yoursite.com/?aff=PARTNER123", VisitRecord(event_id=event_id, **visit))


async def count(store: Store, table: type[ClickEvent] | type[ClickTestEvent] | type[Customer]) -> int:
    async with store.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0
