"""Creates the process's services and wires the layers together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Protocol, TypeVar

from db.backfill.runner import BackfillRunner
from db.engine.backend.protocol import Database
from db.engine.replica import Replica
from db.engine.schema_revision import ensure_current
from db.engine.store import Store
from db.ingest.clicks.click_test_recorder import TestClickRecorder
from db.ingest.clicks.recorder import ClickRecorder
from db.ingest.committer import AnyRecorder, Committer
from db.ingest.conversions.conversion_test_recorder import TestConversionRecorder
from db.ingest.conversions.recorder import ConversionRecorder
from db.ingest.integrations.recorder import ChainRecorder
from db.ingest.writer import Writer
from db.lookups.link_directory import LinkDirectory
from db.lookups.session_cache import SessionCache
from db.lookups.token_cache import TokenCache
from db.lookups.tracker_sites import TrackerSites
from db.lookups.unknown_codes import UnknownCodeNotes
from db.outbox.consumers import add_consumer
from db.outbox.live_feed import LiveFeed
from db.outbox.runner import ConsumerRunner
from db.segments.service import SegmentService
from db.tasks import end
from gateway.authentication import authentication
from gateway.configuration.settings import Settings
from gateway.consumers import consumers
from gateway.email_key import EmailKey
from gateway.lookups.addresses import address_keeper
from gateway.lookups.device import DeviceLookup
from gateway.lookups.geo import GeoLookup
from gateway.metrics import WriterMetrics, count_click, count_conversion, sample
from gateway.rate_limit import counter, limiter
from gateway.unknown_codes import UnknownCodes
from graph.domain.context import Services, SiteChecks
from graph.domain.derived_fields import derived_fields
from graph.domain.reading import remembered_changes
from graph.domain.visit import Device, Place
from rest.clicks import PATH as CLICK_PATH
from rest.tracker.script import PATHS as SCRIPT_PATHS

# Short enough for an operator who has replaced a file and waits to see it in use. Each check is one system call.
GEO_REFRESH_SECONDS = 5
# Of the pages of one program: each is fetched from somebody's server.
SITE_CHECKS = "30/minute"


def recorders(database: Database) -> Sequence[AnyRecorder]:
    """Return the recorders of everything that the writer records."""
    clicks, conversions = ClickRecorder(database), ConversionRecorder(database)
    chains = ChainRecorder(database.engine.dialect, clicks, conversions)
    return (clicks, TestClickRecorder(database), conversions, TestConversionRecorder(database), chains)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


@cache
def device_lookup() -> DeviceLookup:
    """Return the process's only device lookup. The demo starts its services twice, and compiling takes a while."""
    return DeviceLookup()


class _Background(Protocol):
    """A service with a task of its own."""

    def start(self) -> None: ...
    async def close(self) -> None: ...


B = TypeVar("B", bound=_Background)


def _started(stack: AsyncExitStack, service: B) -> B:
    """Start a service that is closed on exit."""
    stack.push_async_callback(service.close)
    service.start()
    return service


@asynccontextmanager
async def running_services(settings: Settings) -> AsyncIterator[Services]:
    """Start a gateway's services, and stop them on exit after committing the clicks and conversions that still wait.

    Raises `StoreError` for an unusable database and `GeoDatabaseError` for an unusable city database file.
    """
    async with AsyncExitStack() as stack:
        geo = await stack.enter_async_context(_city_database(settings))
        store = Store(settings.database_url)
        stack.push_async_callback(store.close)
        await ensure_current(store, may_upgrade=False)
        directory = LinkDirectory(store)
        stack.push_async_callback(directory.close)
        await directory.start()
        committer = Committer(store, recorders(store.database))
        writer = _started(stack, Writer(committer, queue_size=settings.queue_clicks, observer=WriterMetrics()))
        token_cache = _started(stack, TokenCache(store, now))
        setting_token = settings.administrator_token()
        sessions = _started(stack, SessionCache(store, now, token_cache, setting_token))
        email_key = EmailKey(store, settings.email_key_file)
        await email_key()  # so that a file that cannot be used stops the start
        feed = LiveFeed(store)
        stack.push_async_callback(feed.close)
        tracker_sites = _started(stack, TrackerSites(store, now))
        unknown_codes = _started(stack, UnknownCodeNotes(store, now))
        segments = SegmentService(store, seconds=settings.report_seconds)
        stack.push_async_callback(segments.close)
        for consumer in consumers(store):
            await add_consumer(store, consumer)
            _started(stack, ConsumerRunner(store, consumer, clock=now))
        _started(stack, BackfillRunner(store, derived_fields))
        replica = Replica(store, settings.replica_url, now) if settings.replica_url else None
        if replica is not None:
            _started(stack, replica)
        sampling = asyncio.create_task(sample(store, replica, now), name="metrics")
        stack.push_async_callback(end, sampling)
        yield Services(
            store=store,
            replica=replica,
            written=remembered_changes(),
            directory=directory,
            writer=writer,
            feed=feed,
            tracker_sites=tracker_sites,
            unknown_codes=unknown_codes,
            site_checks=_site_checks(settings),
            segments=segments,
            sessions=sessions,
            public_url=settings.public_url or settings.root_path,
            authenticate=authentication(token_cache, setting_token),
            is_good=token_cache.is_good,
            device=device_lookup(),
            place=geo,
            kept_address=address_keeper(settings.ip_storage),
            charge=limiter(settings.rate_limit),
            count=count_click,
            count_conversion=count_conversion,
            count_unknown=UnknownCodes().count,
            email_key=email_key,
            clock=now,
        )


@asynccontextmanager
async def offline_services(settings: Settings, *, may_create: bool = True) -> AsyncIterator[Services]:
    """Create the services that an administrative command needs, without starting a gateway. Running gateways notice the
    command's changes to the database. An SQLite file that does not exist is created if `may_create`. Raises
    `StoreError`."""
    store = Store(settings.database_url)
    token_cache = TokenCache(store, now)
    try:
        await ensure_current(store, may_upgrade=False, may_create=may_create)
        yield Services(
            store=store,
            replica=None,
            written=remembered_changes(),
            feed=LiveFeed(store),
            tracker_sites=TrackerSites(store, now),
            unknown_codes=UnknownCodeNotes(store, now),
            site_checks=_site_checks(settings),
            segments=SegmentService(store, seconds=settings.report_seconds),
            sessions=SessionCache(store, now, token_cache, None),
            public_url=settings.public_url or settings.root_path,
            authenticate=authentication(token_cache, None),
            is_good=token_cache.is_good,
            directory=LinkDirectory(store),
            writer=Writer(Committer(store, recorders(store.database)), queue_size=0, observer=WriterMetrics()),
            device=lambda user_agent: Device(),
            place=lambda address: Place(),
            kept_address=lambda address: None,
            charge=lambda address: None,
            count=count_click,
            count_conversion=count_conversion,
            count_unknown=UnknownCodes().count,
            email_key=EmailKey(store, settings.email_key_file),
            clock=now,
        )
    finally:
        await store.close()


def _site_checks(settings: Settings) -> SiteChecks:
    paths = (settings.tracker_path, *SCRIPT_PATHS) if settings.tracker_path else SCRIPT_PATHS
    click_path = settings.click_path or CLICK_PATH
    count = counter(SITE_CHECKS)
    return SiteChecks(
        root_path=settings.root_path,
        script_paths=paths,
        click_path=click_path,
        allow_private=settings.may_fetch_private_sites(),
        count=lambda program_id: count(str(program_id)),
    )


@asynccontextmanager
async def _city_database(settings: Settings) -> AsyncIterator[GeoLookup]:
    """Open the city database files, and reopen them when they change."""
    geo = GeoLookup(settings.geoip_db)

    async def refresh() -> None:
        while True:
            await asyncio.sleep(GEO_REFRESH_SECONDS)
            await asyncio.to_thread(geo.refresh)

    refreshing = asyncio.create_task(refresh(), name="city database")
    try:
        yield geo
    finally:
        await end(refreshing)
        geo.close()
