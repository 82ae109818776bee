"""Content negotiation of GraphQL over HTTP: media types of requests and responses, and compression.

It follows the GraphQL-over-HTTP draft, and RFC 9110, sections 12.5.1 and 12.5.3, for `Accept` and `Accept-Encoding`.
"""

from collections.abc import Iterator
from typing import NamedTuple

from graph.domain.text_cache import cached_if_short

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
HTML = "text/html"
# Clients send few different headers, and no browser a longer one; unusual ones are parsed again.
CACHED_HEADERS, CACHED_LENGTH = 256, 512


class MediaRange(NamedTuple):
    """An entry of an `Accept` header."""

    media: str
    quality: float


class Rank(NamedTuple):
    """How much a client prefers a media type: its quality, and how specifically it was named (2: in full, 0: by `*/*`
    or not at all)."""

    quality: float
    closeness: int


@cached_if_short(CACHED_HEADERS, CACHED_LENGTH)
def response_media_type(accept: str | None) -> str | None:
    """Return the media type of the response, or None if the client accepts neither.

    A client that names neither gets plain JSON, which every older client understands. One that names both with equal
    preference gets the newer type.
    """
    ranges = list(_ranges(accept or "*/*"))
    plain, newer = _rank(ranges, JSON), _rank(ranges, GRAPHQL)
    if max(plain, newer).quality <= 0:
        return None
    if plain == newer:
        return GRAPHQL if newer.closeness == 2 else JSON
    return GRAPHQL if newer > plain else JSON


def wants_page(accept: str | None) -> bool:
    """Return whether a client asks for HTML by name, as browsers do."""
    return any(entry.media == HTML and entry.quality > 0 for entry in _ranges(accept or ""))


@cached_if_short(CACHED_HEADERS, CACHED_LENGTH)
def takes_gzip(accept_encoding: str | None) -> bool:
    """Return whether a client accepts gzip and does not prefer an uncompressed response."""
    qualities = {entry.media: entry.quality for entry in _ranges(accept_encoding or "")}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0)


@cached_if_short(CACHED_HEADERS, CACHED_LENGTH)
def is_readable(content_type: str | None) -> bool:
    """Return whether a content type is JSON in UTF-8."""
    media, parameters = _parsed(content_type or "")
    return media == JSON and parameters.get("charset", "utf-8").strip('"').lower() in ("utf-8", "utf8")


def _rank(ranges: list[MediaRange], media: str) -> Rank:
    """Rank a media type by the entry that names it most specifically."""
    closeness = {media: 2, media.partition("/")[0] + "/*": 1, "*/*": 0}
    found = [(closeness[entry.media], entry.quality) for entry in ranges if entry.media in closeness]
    closest, quality = max(found, default=(0, 0.0))
    return Rank(quality, closest)


def _ranges(accept: str) -> Iterator[MediaRange]:
    for entry in accept.split(","):
        media, parameters = _parsed(entry)
        try:
            yield MediaRange(media, float(parameters.get("q", "1")))
        except ValueError:
            continue


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """Return a media type in lower case, and its parameters by lower-case name."""
    media, *parameters = text.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return media.strip().lower(), {name.strip().lower(): value.strip() for name, _, value in pairs}
