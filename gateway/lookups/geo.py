"""Places of addresses, read from MaxMind-format files.

The files are replaced while the process runs; this module owns reopening them without a lookup ever waiting or failing.
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

from gateway.errors import GeoDatabaseError
from graph.domain.enrichment import kept
from graph.domain.visit import Place

logger = logging.getLogger(__name__)

CACHE_ENTRIES = 8192
# The longest textual form of an address has 45 characters; the rest leaves room for a zone such as %eth0.
ADDRESS_CHARS = 64
# What is in the first records tells cities from networks; a file's name or type does not. Takes 10 ms.
SAMPLE_RECORDS = 1000


class GeoLookup:
    """Find places of addresses in any number of city or country files, asked in the order given.

    Raises GeoDatabaseError if one of them is missing, is not an .mmdb file or holds no places.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._lock = Lock()
        self._sources = [_Source(path) for path in paths]
        self._find = _finder(self._sources)

    def __call__(self, address: str) -> Place:
        """Find the place of `address`: the first file that knows one answers. Never raises; unknown is `Place()`."""
        return self._find(address) if len(address) <= ADDRESS_CHARS else Place()

    def refresh(self) -> bool:
        """Reopen the files that changed and return whether any did. May be called from any thread.

        A file that vanished or broke keeps its old content in use, with one warning.
        """
        with self._lock:
            reopened = [source.refresh() for source in self._sources]
            if any(reopened):
                self._find = _finder(self._sources)
            return any(reopened)

    def close(self) -> None:
        """Let go of the files; every place is unknown from here on."""
        with self._lock:
            self._sources = []
            self._find = _finder([])


class _Source:
    """One file: its reader, and the stamp of the content last tried."""

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
            if isinstance(error, GeoDatabaseError):  # an OSError may pass without a change: a full disk, permissions
                self.stamp = stamp
            if str(error) != self.complaint:
                self.complaint = str(error)
                logger.warning("%s changed but cannot be used, the old content stays: %s", self.path, error)
            return False
        self.reader, self.stamp, self.complaint = reader, stamp, ""
        logger.info("reopened %s", self.path)
        return True


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _open(path: Path) -> maxminddb.Reader:
    # The reader maps the file into memory. If someone then rewrote it in place, a lookup would read half of the new
    # content, or past a shorter end, and SIGBUS ends the process. So it maps a private copy, gone with the reader.
    with path.open("rb") as source, tempfile.NamedTemporaryFile(prefix="clickgate-", suffix=".mmdb") as copy:
        before = _stamp(os.fstat(source.fileno()))
        shutil.copyfileobj(source, copy)
        copy.flush()
        if _stamp(os.fstat(source.fileno())) != before:
            raise OSError(f"{path} is being written")
        try:
            reader = maxminddb.open_database(copy.name)
            sample = [_place(record) for _, record in islice(reader, SAMPLE_RECORDS)]
        except (maxminddb.InvalidDatabaseError, ValueError) as error:
            raise GeoDatabaseError(f"{path}: not an .mmdb file, or a damaged one") from error
    if not any(place != Place() for place in sample):
        raise GeoDatabaseError(f"{path}: no city or country data in this {reader.metadata().database_type} database")
    return reader


def _finder(sources: Sequence[_Source]) -> Callable[[str], Place]:
    # Readers and cache are one value, swapped in one assignment: a lookup under way keeps its readers alive, and what
    # it finds lands in their own cache. Readers are never closed but freed with their last user.
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
        except (ValueError, maxminddb.InvalidDatabaseError):  # no address, or damage beyond the sample
            return Place()

    return find


def _place(record: Any) -> Place:
    if not isinstance(record, dict):
        return Place()
    if "country_code" in record:  # the flat records of ip-location-db
        return _named(record["country_code"], record.get("state1"), record.get("city"))
    try:
        # geoip2's model, not its reader, which goes by the type's name and refuses to read a country as a city.
        found = City(["en"], **record)
        region = found.subdivisions[0].name if found.subdivisions else None
        return _named(found.country.iso_code, region, found.city.name)
    except (AttributeError, TypeError):  # another vendor's shape
        return Place()


def _named(country: object, region: object, city: object) -> Place:
    return Place(_text("country", country), _text("region", region), _text("city", city))


def _text(field: str, value: object) -> str | None:
    return kept(field, value) if isinstance(value, str) and value else None
