"""The target of a request line, split into the parts that an ASGI scope needs.

Parsed targets are cached, because nearly all requests are for one of a few targets.
"""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from httptools import parse_url

# Of the longest targets that are accepted, this many take a few MiB.
CACHED_TARGETS = 64


class RequestTarget(NamedTuple):
    """A request target. `path` is decoded; `raw_path` and `query` are as received."""

    path: str
    raw_path: bytes
    query: bytes


@lru_cache(CACHED_TARGETS)
def parse_target(url: bytes) -> RequestTarget:
    """Split a request target. Raises `HttpParserError` or `UnicodeDecodeError` if it is malformed."""
    parsed = parse_url(url)
    raw_path = parsed.path or b"/"
    path = raw_path.decode("ascii")
    return RequestTarget(unquote(path) if "%" in path else path, raw_path, parsed.query or b"")
