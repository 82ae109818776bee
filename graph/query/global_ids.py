"""Global ids: opaque strings that `node(id)` resolves to a row.

An id encodes the type and the primary key. It is neither secret nor a permission: scope decides what it shows.
"""

import re
from base64 import urlsafe_b64decode
from binascii import Error
from functools import lru_cache
from typing import NamedTuple

from graph.domain.errors import FieldInvalid
from graph.query.base64url import base64url

# A type, and one or two numbers of at most 18 digits.
FORM = re.compile(r"([A-Za-z]+)((?::[0-9]{1,18}){1,2})")
LONGEST = 100
# The rows of a list belong to the same few programs, partners and links.
KEPT_IDS = 4096


class RowRef(NamedTuple):
    """A reference to a row: its GraphQL type and its primary key."""

    type_name: str
    key: tuple[int, ...]

    @property
    def named(self) -> dict[str, int]:
        """The key as the parameters of a lookup by key."""
        return {f"key{number}": value for number, value in enumerate(self.key)}


@lru_cache(KEPT_IDS)
def encode_id(type_name: str, *key: int) -> str:
    """Return the global id of a row."""
    return base64url(":".join([type_name, *map(str, key)]).encode())


def decode_id(text: str, field: str = "id") -> RowRef:
    """Return the row that a global id refers to. Raises `FieldInvalid`, naming the field, for malformed text."""
    try:
        decoded = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)) if len(text) <= LONGEST else b""
        match = FORM.fullmatch(decoded.decode())
    except (ValueError, Error):
        match = None
    if match is None:
        raise FieldInvalid(field, "is not a valid id")
    return RowRef(match[1], tuple(int(number) for number in match[2].split(":")[1:]))


def decode_key(text: str, type_name: str, field: str) -> tuple[int, ...]:
    """Return the key in a global id of the given type. Raises `FieldInvalid`, naming the field."""
    ref = decode_id(text, field)
    if ref.type_name != type_name:
        article = "an" if type_name[0] in "AEIOU" else "a"
        raise FieldInvalid(field, f"must be the id of {article} {type_name}")
    return ref.key
