"""Decodes the content coding of a body (RFC 9110, section 8.4): gzip and deflate, piece by piece and within the size
limit.

A few bytes may expand to gigabytes, so nothing is ever inflated beyond what the limit still allows.
"""

import zlib
from collections.abc import Iterable
from typing import Protocol

from starlette.types import Scope

from graph.domain.errors import BodyUnreadable, EncodingUnknown

GZIP_BITS, ZLIB_BITS, RAW_BITS = zlib.MAX_WBITS + 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class Decoder(Protocol):
    """Decodes a content coding."""

    def decode(self, piece: bytes, most: int) -> bytes:
        """Return a decoded piece, or slightly more than `most` bytes of it if it is longer. Raises `BodyUnreadable`."""

    def finish(self) -> None:
        """Raise `BodyUnreadable` unless the body is complete."""


def decoder(scope: Scope) -> Decoder | None:
    """Return a decoder for a request's body, or None if it has no content coding. Raises `EncodingUnknown` for an
    unsupported coding and for several at once."""
    values = b",".join(value for name, value in scope["headers"] if name == b"content-encoding")
    codings = {token.strip().lower() for token in values.decode("latin-1").split(",")} - {"", "identity"}
    match sorted(codings):
        case []:
            return None
        case ["gzip" | "x-gzip"] if _is_single(values):
            return _Inflater("gzip", (GZIP_BITS,))
        case ["deflate"] if _is_single(values):
            # The name means the zlib format, but some clients send a raw stream.
            return _Inflater("deflate", (ZLIB_BITS, RAW_BITS))
    raise EncodingUnknown


def _is_single(values: bytes) -> bool:
    return sum(token.strip().lower() not in (b"", b"identity") for token in values.split(b",")) == 1


class _Inflater:
    def __init__(self, name: str, formats: Iterable[int]) -> None:
        self._name = name
        self._formats = iter(formats)
        self._stream = zlib.decompressobj(next(self._formats))
        self._began = False

    def decode(self, piece: bytes, most: int) -> bytes:
        found: list[bytes] = []
        while piece and most >= 0:
            if self._stream.eof:
                # A gzip file may contain several streams (RFC 1952, section 2.2).
                self._stream = zlib.decompressobj(GZIP_BITS)
            found.append(self._inflate(piece, most + 1))
            most -= len(found[-1])
            piece = self._stream.unconsumed_tail or self._stream.unused_data
        return b"".join(found)

    def finish(self) -> None:
        if self._began and not self._stream.eof:
            raise BodyUnreadable(f"The {self._name} body is truncated")

    def _inflate(self, piece: bytes, most: int) -> bytes:
        try:
            inflated = self._stream.decompress(piece, most)
        except zlib.error as error:
            other = None if self._began else next(self._formats, None)
            if other is None:
                raise BodyUnreadable(f"The body is not valid {self._name}") from error
            self._stream = zlib.decompressobj(other)
            return self._inflate(piece, most)
        self._began = True
        return inflated
