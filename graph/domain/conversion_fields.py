"""Validation of the fields that leads, sales and refunds have in common.

An empty string counts as absent. Identifiers are refused rather than changed: a shortened key would name another row.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from graph.domain.enrichment import json_text
from graph.domain.errors import FieldInvalid
from graph.domain.times import parsed_time

KEY_LENGTH = 255
# The columns' length, and the longest that a click id can be.
CLICK_ID_LENGTH = 64
LINE_ITEMS_BYTES = 16 * 1024
# How far a sender's clock may be ahead.
AHEAD = timedelta(minutes=5)


def is_key(value: str | None) -> bool:
    """Return whether a text can be a key: 1 to 255 characters, none of them a NUL, which no database stores."""
    return value is not None and 1 <= len(value) <= KEY_LENGTH and "\0" not in value


def key_field(field: str, value: str | None) -> str | None:
    """Return an identifier, or None if it is absent. Raises `FieldInvalid`."""
    if not value:
        return None
    if not is_key(value):
        raise FieldInvalid(field, f"must have 1 to {KEY_LENGTH} characters")
    return value


def choice_field(field: str, value: str | None, choices: Sequence[str]) -> str | None:
    """Return one of several words, or None if it is absent. Raises `FieldInvalid`."""
    if not value:
        return None
    if value not in choices:
        raise FieldInvalid(field, f"must be {', '.join(choices[:-1])} or {choices[-1]}")
    return value


def time_field(field: str, value: str | None, now: datetime) -> datetime | None:
    """Return a time in UTC, given as RFC 3339 with an offset, or None if it is absent. Raises `FieldInvalid`, also for
    a time that is more than five minutes in the future."""
    if not value:
        return None
    time = parsed_time(value)
    if time is None:
        raise FieldInvalid(field, "must be an RFC 3339 time with a UTC offset, such as 2026-05-01T12:00:00Z")
    if time > now + AHEAD:
        raise FieldInvalid(field, "must not be in the future")
    return time


def array_field(field: str, value: Sequence[Any] | None) -> str | None:
    """Return a JSON array as text, or None if it is absent. Raises `FieldInvalid` for one of more than 16 KiB."""
    text = None if value is None else json_text(field, value)
    if text is not None and len(text.encode()) > LINE_ITEMS_BYTES:
        raise FieldInvalid(field, f"must be at most {LINE_ITEMS_BYTES} bytes of JSON")
    return text


def click_ids(candidates: Iterable[str | None]) -> tuple[str, ...]:
    """Return the texts that can be click ids, in order and without duplicates. Others name no customer."""
    possible = (each for each in candidates if each and len(each) <= CLICK_ID_LENGTH and "\0" not in each)
    return tuple(dict.fromkeys(possible))


def check_readable(unreadable: Iterable[str]) -> None:
    """Raise `FieldInvalid` for the first of the fields that have the wrong type."""
    for field in unreadable:
        raise FieldInvalid(field, "has the wrong type")
