"""The forms of the fields that administrators fill in, checked the same for every verb that takes them."""

import re

import can_ada

from graph.errors import FieldInvalid

CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME_LENGTH = 255
URL_LENGTH = 2048


def name_field(field: str, value: str) -> str:
    """Return a name without the spaces around it. Raises `FieldInvalid` for an empty, long or unprintable one."""
    value = value.strip()
    if not 1 <= len(value) <= NAME_LENGTH or not value.isprintable():
        raise FieldInvalid(field, f"must have 1 to {NAME_LENGTH} printable characters")
    return value


def code_field(value: str) -> str:
    """Return a link's code. Raises `FieldInvalid`."""
    if not CODE.fullmatch(value):
        raise FieldInvalid("code", "must have 1 to 64 letters, digits, - and _")
    return value


def url_field(field: str, value: str) -> str:
    """Return an absolute http or https URL as it was written. Raises `FieldInvalid`."""
    try:
        protocol = can_ada.parse(value).protocol
    except (ValueError, TypeError):
        protocol = ""
    if protocol not in ("http:", "https:") or len(value) > URL_LENGTH or not value.isprintable():
        raise FieldInvalid(field, f"must be an http or https URL of at most {URL_LENGTH} characters")
    return value


def email_field(value: str) -> str:
    """Return an e-mail address. Raises `FieldInvalid` for what certainly is none; only a letter sent would tell."""
    value = name_field("email", value)
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or " " in value:
        raise FieldInvalid("email", "must be an e-mail address")
    return value
