"""Decodes request bodies as JSON, whatever their content type.

A valid body is decoded in one typed pass. If that fails, a lenient pass repairs what browsers would repair and collects
fields of the wrong type so that they can be reported.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import fields

from graph.domain.errors import BodyNotObject

S = TypeVar("S", bound=msgspec.Struct)

SURROGATE = re.compile("[\ud800-\udfff]")
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
INVALID = (msgspec.MsgspecError, ValueError, RecursionError)


class BodyDecoder(Generic[S]):
    """Decodes bodies into a struct whose fields are all optional."""

    def __init__(self, type_: type[S]) -> None:
        self._type = type_
        self._decode: Callable[[bytes], S] = msgspec.json.Decoder(type_).decode

    def __call__(self, body: bytes) -> tuple[S, tuple[str, ...]]:
        """Return a body's struct without the fields of the wrong type, and the names of those fields. Raises
        `BodyNotObject`."""
        try:
            return self._decode(body), ()
        except INVALID:
            return self._readable(decode_leniently(body))

    def _readable(self, values: dict[str, Any]) -> tuple[S, tuple[str, ...]]:
        readable: dict[str, Any] = {}
        unreadable = []
        for field in fields(self._type):
            try:
                readable[field.name] = msgspec.convert(values.get(field.name), field.type)
            except msgspec.ValidationError:
                unreadable.append(field.name)
        return self._type(**readable), tuple(unreadable)


def decode_leniently(body: bytes) -> dict[str, Any]:
    """Return a body's object with anything repaired that a browser would repair. Raises `BodyNotObject`."""
    text = body.decode("utf-8-sig", errors="replace")
    try:
        decoded = json.loads(text, parse_constant=_refuse, parse_int=_number)
        if SURROGATE_ESCAPE.search(text):
            decoded = _without_surrogates(decoded)
    except (ValueError, RecursionError) as error:
        raise BodyNotObject from error
    if not isinstance(decoded, dict):
        raise BodyNotObject
    return decoded


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _number(digits: str) -> int | float:
    """Parse an integer. One with more digits than Python converts (4300 by default) becomes infinite, like a float that
    overflows: no value of any field, and stored as null inside `additional_data`, as a browser would send it."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _without_surrogates(value: Any) -> Any:
    """Replace lone surrogates in strings and keys, like a browser's `String.toWellFormed`."""
    match value:
        case str():
            return SURROGATE.sub("\ufffd", value)
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case list():
            return [_without_surrogates(item) for item in value]
    return value
