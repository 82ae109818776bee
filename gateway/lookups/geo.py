"""Looks up the location of an address in city databases in MaxMind's format.

The files may be replaced while the process runs. They are reopened without making a lookup wait or fail.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import maxminddb
from geoip2.models import City

from gateway.configuration.errors import GeoDatabaseError
from graph.domain.enrichment import kept
from graph.domain.visit import Place

logger = logging.getLogger(__name__)

CACHE_ENTRIES = 8192
# The longest textual form of an address has 45 characters, which leaves room for a zone such as %eth0.
ADDRESS_CHARS = 64
# The content of the first records, not a file's name or type, tells whether it has locations. Reading them takes 10 ms.
SAMPLE_RECORDS = 1000


class GeoLookup:
    """Looks up addresses in any number of city or country databases, in the given order.

    Raises `GeoDatabaseError` if a file is missing, is not an .mmdb file or contains no locations.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._lock = Lock()
        self._sources = [_Source(path) for path in paths]
        self._find = _finder(self._sources)

    def __call__(self, address: str) -> Place:
        """Return the location of `address` from the first file that has it, or `Place()`. Never raises."""
        return self._find(address) if len(address) <= ADDRESS_CHARS else Place()

    def refresh(self) -> bool:
        """Reopen the files that have changed, and return whether any has. May be called from any thread.

        If a file is missing or damaged, its old content stays in use and one warning is logged.
        """
        with self._lock:
            reopened = [source.refresh() for source in self._sources]
            if any(reopened):
                self._find = _finder(self._sources)
            return any(reopened)

    def close(self) -> None:
        """Release the files. Every location is unknown from then on."""
        with self._lock:
            self._sources = []
            self._find = _finder([])


class _Source:
    """A database file: its reader, and the stamp of the content that was last opened or tried."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complaint = ""
        try:
            self.stamp = _stamp(path.stat())
            self.reader = _open(path)
        except OSError as error:
            raise GeoDatabaseError(f"{path}: {error.strerror or error}") from error

    def refresh(self) -> bool:
        try:
            stamp = _stamp(self.path.stat())
            if stamp == self.stamp:
                return False
            reader = _open(self.path)
        except (OSError, GeoDatabaseError) as error:
            if isinstance(error, GeoDatabaseError):  # an OSError, such as a full disk, may end without a new stamp
                self.stamp = stamp
            if str(error) != self.complaint:
                self.complaint = str(error)
                logger.warning("%s has changed but cannot be used; its old content stays in use: %s", self.path, error)
            return False
        self.reader, self.stamp, self.complaint = reader, stamp, ""
        logger.info("reopened %s", self.path)
        return True


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _open(path: Path) -> maxminddb.Reader:
    # The reader maps the file into memory. If the file were then rewritten in place, a lookup could read mixed content,
    # or read past the new end and be killed by SIGBUS. So it maps a private copy, which is deleted with the reader.
    with path.open("rb") as source, tempfile.NamedTemporaryFile(prefix="clickgate-", suffix=".mmdb") as copy:
        before = _stamp(os.fstat(source.fileno()))
        shutil.copyfileobj(source, copy)
        copy.flush()
        if _stamp(os.fstat(source.fileno())) != before:
            raise OSError(f"{path} is being written to")
        try:
            reader = maxminddb.open_database(copy.name)
            sample = [_place(record) for _, record in islice(reader, SAMPLE_RECORDS)]
        except (maxminddb.InvalidDatabaseError, ValueError) as error:
            raise GeoDatabaseError(f"{path}: not an .mmdb file, or damaged") from error
    if not any(place != Place() for place in sample):
        raise GeoDatabaseError(f"{path}: this {reader.metadata().database_type} database has no city or country data")
    return reader


def _finder(sources: Sequence[_Source]) -> Callable[[str], Place]:
    # The function owns the readers and their cache, and is replaced in one assignment: a lookup in progress keeps its
    # readers alive and caches its result with them. Readers are never closed, but freed with their last reference.
    readers = [source.reader for source in sources]
    by_version = {4: readers, 6: [reader for reader in readers if reader.metadata().ip_version == 6]}

    @lru_cache(maxsize=CACHE_ENTRIES)
    def find(text: str) -> Place:
        try:
            address = ip_address(text)
            if isinstance(address, IPv6Address):
                address = address.ipv4_mapped or address
            places = (_place(reader.get(address)) for reader in by_version[address.version])
            return next((place for place in places if place != Place()), Place())
        except (ValueError, maxminddb.InvalidDatabaseError):  # not an address, or damage beyond the sample
            return Place()

    return find


def _place(record: Any) -> Place:
    if not isinstance(record, dict):
        return Place()
    if "country_code" in record:  # the flat records of ip-location-db
        return _named(record["country_code"], record.get("state1"), record.get("city"))
    try:
        # Uses geoip2's model but not its reader, which refuses to read a country database as a city database.
        found = City(["en"], **record)
        region = found.subdivisions[0].name if found.subdivisions else None
        return _named(found.country.iso_code, region, found.city.name)
    except (AttributeError, TypeError):  # another vendor's format
        return Place()


def _named(country: object, region: object, city: object) -> Place:
    return Place(_text("country", country), _text("region", region), _text("city", city))


def _text(field: str, value: object) -> str | None:
    return kept(field, value) if isinstance(value, str) and value else None
