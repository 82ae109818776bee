"""Whether records can be committed, as far as the writer knows: the outage, and who asks for a proof."""

import asyncio
import logging
from time import monotonic
from typing import Protocol

from db.engine.backend.driver_errors import OTHER_SCHEMA
from db.engine.redaction import described
from db.errors import DatabaseUnavailable, SchemaOutdated
from db.ingest.committer import Committer

logger = logging.getLogger(__name__)

# How often the writer finds out by itself whether an outage is over.
PROBE_SECONDS = 0.5


class WriterObserver(Protocol):
    """Who is told about the writer's work."""

    def waiting(self, records: int) -> None:
        """So many records wait as the next batch begins."""

    def committed(self, records: int, seconds: float) -> None:
        """A batch of so many records was committed, in so many seconds."""

    def available(self, is_available: bool) -> None:
        """An outage began or ended."""


class Availability:
    """Takes note of failures and successes. An outage is logged once when it begins, and once when it ends."""

    def __init__(self, committer: Committer, observer: WriterObserver) -> None:
        self._committer = committer
        self._observer = observer
        self.outage: DatabaseUnavailable | None = None
        """Why a batch or a probe could not be committed, unless a probe was committed since."""
        self._probed_at = 0.0
        self._proof: asyncio.Future[None] | None = None

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for a proof."""
        return self._proof is not None and not self._proof.done()

    @property
    def is_probe_due(self) -> bool:
        """Whether an outage may be over, or, if there is none, somebody asks."""
        if self.outage is not None:
            return monotonic() - self._probed_at >= PROBE_SECONDS
        return self.is_asked

    def ask(self) -> asyncio.Future[None]:
        """Return what is done once a batch or a probe was committed, or fails with `DatabaseUnavailable`. Only a copy
        may be cancelled: others wait for it as well."""
        if self._proof is None or self._proof.done():
            self._proof = asyncio.get_running_loop().create_future()
        return self._proof

    def close(self) -> None:
        """Tell those who ask that there will be no proof."""
        self._disprove(DatabaseUnavailable("the gateway stops"))

    async def probe(self) -> None:
        """Find out by a write that is undone."""
        self._probed_at = monotonic()
        try:
            await self._committer.probe()
        except (DatabaseUnavailable, SchemaOutdated) as error:
            self.failed(error)
        except Exception as error:
            if self.outage is None:
                logger.exception("a probe of the database failed")
            self.failed(DatabaseUnavailable(described(error), "the database does what nobody expects"))
        else:
            if self.outage is not None:
                self.outage = None
                self._observer.available(True)
                self._committer.drop_idle()
                logger.warning("the database is back, clicks and conversions are recorded again")
            self._prove()

    def succeeded(self) -> None:
        """Take note of a committed batch."""
        # In an outage some records may be committed while others are not; only a probe tells that all are again.
        if self.outage is None:
            self._prove()

    def failed(self, error: Exception) -> Exception:
        """Take note of why nothing was committed; return it as those who wait are told."""
        if isinstance(error, SchemaOutdated):
            error = DatabaseUnavailable(str(error), OTHER_SCHEMA.reason)
        if isinstance(error, DatabaseUnavailable):
            self._disprove(error)
            if self.outage is None:
                self._probed_at = monotonic()
                self._observer.available(False)
                self._committer.drop_idle()
                logger.error("%s", error)
            self.outage = error
        return error

    def _prove(self) -> None:
        if self._proof is not None and not self._proof.done():
            self._proof.set_result(None)

    def _disprove(self, error: DatabaseUnavailable) -> None:
        if self._proof is not None and not self._proof.done():
            self._proof.set_exception(error)
            self._proof.exception()  # who asked may have given up
