"""What a resolver may use: the services of this process, and who is asking.

The services are made once, when the process starts, and handed down; nothing below reaches up for them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from db.engine.store import Store
from db.ingest.writer import ClickWriter
from db.lookups.link_directory import LinkDirectory
from db.outbox.live_feed import Feed
from graph.domain.scope import Viewer
from graph.domain.visit import Device, Place


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that outlives a request."""

    store: Store
    directory: LinkDirectory
    writer: ClickWriter
    device: Callable[[str], Device]
    """Look a user agent up; an empty text stands for none. Never raises."""
    place: Callable[[str], Place]
    """Look an address up. Never raises."""
    kept_address: Callable[[str], str | None]
    """Return what may be stored of an address."""
    charge: Callable[[str | None], None]
    """Count a click against its client's rate limit. Raises `RateLimited`."""
    count: Callable[[str], None]
    """Count an outcome of a click, by its name."""
    count_unknown: Callable[[str | None], None]
    """Count a click whose code no link has; None for what does not have the form of a code."""
    clock: Callable[[], datetime]
    """Return the present moment, in UTC."""
    feed: Feed
    authenticate: Callable[[str], Awaitable[Viewer | None]]
    """Return whose token a secret is; None for one that is unknown, revoked or expired. Raises `DatabaseAway`."""
    is_good: Callable[[int], Awaitable[bool]]
    """Return whether the token of an id is neither revoked nor expired. Raises `DatabaseAway`."""


class Context(Struct, frozen=True):
    """One request's caller. A struct, like all that is made for every click: see `db.ingest.records`."""

    services: Services
    client_address: str | None = None
    user_agent: str | None = None
    viewer: Viewer | None = None
    """Who asks; None without a token."""
