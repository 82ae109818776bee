"""Serve the application with uvicorn, in one process or several."""

import logging
import os
import sys
from contextlib import suppress
from socket import socket
from tempfile import TemporaryDirectory

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from db.engine.schema_revision import ensure_current
from db.engine.store import Store
from db.errors import UnusableDatabase
from gateway.configuration.errors import GeoDatabaseError
from gateway.configuration.settings import Settings
from gateway.server.acceptor import ServerConfig
from gateway.server.file_descriptors import check_descriptors, raise_descriptor_limit
from gateway.server.listeners import open_listeners
from gateway.server.protocol import BoundedProtocol
from gateway.server.signals import graceful_exit, stop_on_hangup
from gateway.server.websocket import BoundedSocket
from gateway.server.workers import Workers
from graph.http.body import BODY_BYTES

logger = logging.getLogger(__name__)

# How long requests in progress may take after a shutdown begins. The writer gives up on a commit sooner.
SHUTDOWN_SECONDS = 15
APP = "gateway.app:create_app"


async def prepare(settings: Settings, *, may_upgrade: bool, workers: int = 1) -> None:
    """Check the files and the database named in the settings before starting, and upgrade the schema if allowed.

    Raises `StoreError` and `GeoDatabaseError`.
    """
    for path in settings.geoip_db:
        if not path.is_file():
            raise GeoDatabaseError(f"{path}: no such file (see CLICKGATE_GEOIP_DB)")
    store = Store(settings.database_url)
    try:
        if store.is_sqlite and workers > 1:
            raise UnusableDatabase(
                "SQLite allows one writer at a time, so additional processes would only wait for the first: "
                "use --workers 1 or PostgreSQL"
            )
        # Upgrading a SQLite file is safe, because the upgrade checks that no other process has it open.
        await ensure_current(store, may_upgrade=may_upgrade or store.is_sqlite)
    finally:
        await store.close()


def serve(settings: Settings, *, workers: int, app: str = APP) -> None:
    """Serve an application, given by the name of its factory, until a signal stops it; then finish the requests in
    progress and commit the waiting clicks. Call `prepare` first. Raises `CannotListen` and `TooFewDescriptors`."""
    raise_descriptor_limit()
    check_descriptors()
    if not settings.geoip_db:
        logger.warning("no city database: locations will be null (see CLICKGATE_GEOIP_DB)")
    config = _config(settings, app, workers)
    with graceful_exit(), open_listeners(settings) as sockets:
        config.listeners = sockets
        if workers == 1:
            _run(config, sockets)
            return
        with TemporaryDirectory(prefix="clickgate-metrics-") as folder:
            # The worker processes share their metrics through files in this folder.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            for listener in sockets:
                listener.set_inheritable(True)
            Workers(config, sockets).run()


def _run(config: ServerConfig, sockets: list[socket]) -> None:
    stop_on_hangup()
    config.load_app()
    server = uvicorn.Server(config)
    # uvicorn raises KeyboardInterrupt again after a graceful stop on Ctrl-C.
    with suppress(KeyboardInterrupt):
        server.run(sockets)
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _config(settings: Settings, app: str, workers: int) -> ServerConfig:
    return ServerConfig(
        app,
        factory=True,
        workers=workers,
        loop="auto",
        http=BoundedProtocol,
        ws=BoundedSocket,
        ws_max_size=BODY_BYTES,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # The application reads forwarded headers itself.
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
