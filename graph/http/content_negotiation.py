"""The media types of GraphQL over HTTP: which one a client wants, whether compressed, and whether it sent one that can
be read.

Follows the GraphQL-over-HTTP draft, and RFC 9110, sections 12.5.1 and 12.5.3, for `Accept` and `Accept-Encoding`.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
HTML = "text/html"
# Clients send few different headers; what an unusual one costs is paid again.
CACHED_HEADERS = 256


class Range(NamedTuple):
    """One entry of an `Accept` header."""

    media: str
    quality: float


class Rank(NamedTuple):
    """How much a client wants a media type: its quality, and how closely it was named (2 in full, 0 not at all)."""

    quality: float
    closeness: int


@lru_cache(CACHED_HEADERS)
def wanted(accept: str | None) -> str | None:
    """Return the media type to answer with; None where the client takes neither.

    A client that names neither gets plain JSON, which every older one understands; one that names both alike gets the
    newer type.
    """
    ranges = list(_ranges(accept or "*/*"))
    plain, newer = _rank(ranges, JSON), _rank(ranges, GRAPHQL)
    if max(plain, newer).quality <= 0:
        return None
    if plain == newer:
        return GRAPHQL if newer.closeness == 2 else JSON
    return GRAPHQL if newer > plain else JSON


def wants_page(accept: str | None) -> bool:
    """Return whether this is a browser, which asks for HTML by name."""
    return any(entry.media == HTML and entry.quality > 0 for entry in _ranges(accept or ""))


@lru_cache(CACHED_HEADERS)
def takes_gzip(accept_encoding: str | None) -> bool:
    """Return whether a client accepts gzip, and would not rather have an answer as it is."""
    qualities = {entry.media: entry.quality for entry in _ranges(accept_encoding or "")}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0)


@lru_cache(CACHED_HEADERS)
def is_readable(content_type: str | None) -> bool:
    """Return whether a body of this type is JSON in UTF-8."""
    media, parameters = _parsed(content_type or "")
    return media == JSON and parameters.get("charset", "utf-8").strip('"').lower() in ("utf-8", "utf8")


def _rank(ranges: list[Range], media: str) -> Rank:
    """Rank a media type by the entry that names it most closely."""
    closeness = {media: 2, media.partition("/")[0] + "/*": 1, "*/*": 0}
    found = [(closeness[entry.media], entry.quality) for entry in ranges if entry.media in closeness]
    closest, quality = max(found, default=(0, 0.0))
    return Rank(quality, closest)


def _ranges(accept: str) -> Iterator[Range]:
    for entry in accept.split(","):
        media, parameters = _parsed(entry)
        try:
            yield Range(media, float(parameters.get("q", "1")))
        except ValueError:
            continue


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """Return a media type in lower case, and its parameters by their names in lower case."""
    media, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return media.strip().lower(), {name.strip().lower(): value.strip() for name, _, value in pairs}
