"""What is kept of a customer's e-mail address: a keyed digest to compare it by, and a mask to show to people.

The address itself is neither stored nor logged. Without the key, nobody who reads the database can test a list of
addresses against the digests.
"""

import hmac
from hashlib import sha256

# RFC 5321, section 4.5.3.1: 64 characters, an at sign, and 255 characters.
EMAIL_LENGTH = 320
MASK_LENGTH = 255
STARS = "***"


def digest(key: bytes, address: str) -> str:
    """Return the HMAC-SHA256 of a normalized address, as 64 hexadecimal digits."""
    return hmac.new(key, _normalized(address).encode(errors="replace"), sha256).hexdigest()


def masked(address: str) -> str:
    """Return an address with its local part hidden except for the first character, such as `a***@example.com`. What is
    not an address is hidden altogether."""
    local, at, domain = _normalized(address).rpartition("@")
    if not (local and at and domain) or not f"{local}{domain}".isprintable():
        return STARS
    return f"{local[0]}{STARS}@{domain}"[:MASK_LENGTH]


def _normalized(address: str) -> str:
    return address.strip().lower()
