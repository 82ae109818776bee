"""What the domain may use: the services of the process, and the caller of a request.

Services are created once when the process starts, and passed down; no lower layer reaches up for them.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from db.engine.replica import Replica
from db.engine.store import Store
from db.ingest.writer import Writer
from db.lookups.link_directory import LinkDirectory
from db.lookups.session_cache import SessionCache
from db.lookups.tracker_sites import TrackerSites
from db.lookups.unknown_codes import UnknownCodeNotes
from db.outbox.live_feed import LiveFeed
from db.segments.service import SegmentService
from graph.domain.scope import Viewer
from graph.domain.visit import Device, Place


class SiteChecks(Struct, frozen=True):
    """How merchants' pages are inspected for the tracker's tag."""

    root_path: str
    """The prefix under which a proxy serves the gateway, or an empty text."""
    script_paths: tuple[str, ...]
    """The paths that the gateway serves the script at, without the prefix, the preferred one first."""
    click_path: str
    """The path that the script posts clicks to, without the prefix."""
    allow_private: bool
    """Whether pages in networks that are not public may be fetched."""
    count: Callable[[int], None]
    """Count a check of a program. Raises `RateLimited` if there have been too many."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that outlives a request."""

    store: Store
    replica: Replica | None
    """For lists and reports, if there is one; see `graph.domain.reading`."""
    written: MutableMapping[Viewer, int]
    """The positions of the latest changes of callers, as `graph.domain.reading` uses them."""
    directory: LinkDirectory
    writer: Writer
    device: Callable[[str], Device]
    """Look up a user agent, empty if unknown. Never raises."""
    place: Callable[[str], Place]
    """Look up the location of an address. Never raises."""
    public_url: str
    """The gateway's address as browsers reach it, or only its path prefix if the settings do not say."""
    kept_address: Callable[[str], str | None]
    """Return the part of an address that may be stored, or None."""
    charge: Callable[[str | None], None]
    """Count a request without a token against its client's rate limit. Raises `RateLimited`."""
    count: Callable[[str], None]
    """Count the outcome of a click, by name."""
    count_conversion: Callable[[str, str], None]
    """Count a request about a `lead`, `sale` or `refund`, by its kind and the name of its outcome."""
    count_unknown: Callable[[str | None], None]
    """Count a click with an unknown code; None if it does not have the form of a code."""
    email_key: Callable[[], Awaitable[bytes]]
    """Return the key of the digests of e-mail addresses. Raises `DatabaseUnavailable`."""
    clock: Callable[[], datetime]
    """Return the current time, in UTC."""
    feed: LiveFeed
    tracker_sites: TrackerSites
    unknown_codes: UnknownCodeNotes
    site_checks: SiteChecks
    segments: SegmentService
    sessions: SessionCache
    authenticate: Callable[[str], Awaitable[Viewer | None]]
    """Return the viewer of a secret, or None if it is unknown, revoked or expired. Raises `DatabaseAway`."""
    is_good: Callable[[int], Awaitable[bool]]
    """Return whether the token with this id is neither revoked nor expired. Raises `DatabaseAway`."""


class Context(Struct, frozen=True):
    """The caller of one request. A struct, for speed: one is created for every click."""

    services: Services
    client_address: str | None = None
    user_agent: str | None = None
    viewer: Viewer | None = None
    """The holder of the token or session; None without one."""
    position: int = 0
    """The position in the database's log that reads must have reached, see `graph.domain.reading`."""
