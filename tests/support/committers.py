"""Committers that record everything a gateway's does."""

from typing import Any

from db.engine.store import Store
from db.ingest.committer import Committer
from gateway.services import recorders


def make_committer(store: Store, **options: Any) -> Committer:
    """Return a committer of a database."""
    return Committer(store, recorders(store.database), **options)
