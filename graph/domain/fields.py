"""Validation of the fields that administrators fill in.

Every verb that takes such a field checks it here, so that all accept the same values.
"""

import re
from unicodedata import category

import can_ada

from graph.domain.errors import FieldInvalid
from graph.domain.site_domains import InvalidDomain, normalized_domain

# The code of an installation check, which no link may have.
CHECK_PREFIX = "cgcheck_"
CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME_LENGTH = 255
URL_LENGTH = 2048


# Characters that change how the surrounding text is displayed: bidirectional embeddings, overrides and isolates,
# deprecated format controls, the byte order mark, and annotation and object replacement characters.
CONTROLS = re.compile("[\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\uffff]")
# Letters and symbols without a visible form: Hangul fillers and the blank Braille pattern.
BLANKS = "\u115f\u1160\u3164\uffa0\u2800"
# Controls, surrogates, private use characters, line and paragraph separators.
UNWRITABLE = ("Cc", "Cs", "Co", "Zl", "Zp")


def name_field(field: str, value: str) -> str:
    """Return a name without surrounding whitespace. Raises `FieldInvalid` if it is empty, too long or invisible, or if
    it contains control characters.

    Anything that people are called is valid: joiners (in Persian, Indic scripts and family emoji), no-break spaces,
    direction marks, and letters and emoji newer than the interpreter.
    """
    value = value.strip()
    if not 1 <= len(value) <= NAME_LENGTH or not any(_is_visible(each) for each in value):
        raise FieldInvalid(field, f"must have 1 to {NAME_LENGTH} characters")
    if CONTROLS.search(value) or any(category(each) in UNWRITABLE or _is_noncharacter(each) for each in value):
        raise FieldInvalid(field, "must not contain control characters")
    return value


def _is_visible(character: str) -> bool:
    kind = category(character)
    return (kind[0] in "LNPS" and character not in BLANKS) or (kind == "Cn" and not _is_noncharacter(character))


def _is_noncharacter(character: str) -> bool:
    """Return whether Unicode guarantees that this is not a character."""
    return "\ufdd0" <= character <= "\ufdef" or ord(character) & 0xFFFE == 0xFFFE


def domain_field(value: str) -> str:
    """Return the domain of an advertiser's site, normalized by `normalized_domain`. Raises `FieldInvalid`."""
    try:
        return normalized_domain(value)
    except InvalidDomain as error:
        raise FieldInvalid("domain", str(error)) from error


def code_field(value: str) -> str:
    """Return a link's code. Raises `FieldInvalid`."""
    if not CODE.fullmatch(value):
        raise FieldInvalid("code", "must consist of 1 to 64 letters, digits, - and _")
    if value.startswith(CHECK_PREFIX):
        raise FieldInvalid("code", f"must not begin with {CHECK_PREFIX}, which is reserved for installation checks")
    return value


def url_field(field: str, value: str) -> str:
    """Return an absolute http or https URL unchanged. Raises `FieldInvalid`."""
    try:
        protocol = can_ada.parse(value).protocol
    except (ValueError, TypeError):
        protocol = ""
    if protocol not in ("http:", "https:") or len(value) > URL_LENGTH or not value.isprintable():
        raise FieldInvalid(field, f"must be an http or https URL of at most {URL_LENGTH} characters")
    return value


def email_field(value: str) -> str:
    """Return an email address. Raises `FieldInvalid` if it cannot be one; only sending a message would prove more."""
    value = name_field("email", value)
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or not value.isprintable() or any(each.isspace() for each in value):
        raise FieldInvalid("email", "must be an e-mail address")
    return value
