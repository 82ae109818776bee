"""Global ids: opaque text for a row of any type, so that `node(id)` finds it again.

Inside is the type_name and the primary key. It is no secret and no permission: scope decides what an id shows.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import NamedTuple

from graph.domain.errors import FieldInvalid

# A type, and one or two numbers no longer than a row id's.
FORM = re.compile(r"([A-Za-z]+)((?::[0-9]{1,18}){1,2})")
LONGEST = 100


class RowRef(NamedTuple):
    """A row by its GraphQL type, and its primary key."""

    type_name: str
    key: tuple[int, ...]

    @property
    def named(self) -> dict[str, int]:
        """The key as the values of a lookup by it."""
        return {f"key{number}": value for number, value in enumerate(self.key)}


def encode_id(type_name: str, *key: int) -> str:
    """Return the global id of a row."""
    return urlsafe_b64encode(":".join([type_name, *map(str, key)]).encode()).rstrip(b"=").decode()


def decode_id(text: str, field: str = "id") -> RowRef:
    """Return what a global id names. Raises `FieldInvalid`, naming the field, for text that never was one."""
    try:
        decoded = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)) if len(text) <= LONGEST else b""
        match = FORM.fullmatch(decoded.decode())
    except (ValueError, Error):
        match = None
    if match is None:
        raise FieldInvalid(field, "is not an id of this API")
    return RowRef(match[1], tuple(int(number) for number in match[2].split(":")[1:]))


def decode_key(text: str, type_name: str, field: str) -> tuple[int, ...]:
    """Return the key in a global id of one type. Raises `FieldInvalid`, naming the field."""
    ref = decode_id(text, field)
    if ref.type_name != type_name:
        article = "an" if type_name[0] in "AEIOU" else "a"
        raise FieldInvalid(field, f"must be the id of {article} {type_name}")
    return ref.key
