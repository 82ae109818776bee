"""The key of the digests of e-mail addresses: in a file of its own, or else in the database.

A file keeps the key apart from the digests, so that a copy of the database alone is not enough to test addresses. All
gateways of a database need the same key.
"""

import os
import secrets
import tempfile
from pathlib import Path

from db.engine.store import Store
from db.lookups.shared_secret import SECRET_BYTES, shared_secret
from gateway.configuration.errors import EmailKeyError

NAME = "email_key"
LEAST_BYTES = 16


class EmailKey:
    """Returns the key, which is made when it is first needed, and then remembered."""

    def __init__(self, store: Store, file: Path | None) -> None:
        self._store = store
        self._file = file
        self._key: bytes | None = None

    async def __call__(self) -> bytes:
        """Return the key. Raises `DatabaseUnavailable` and `EmailKeyError`."""
        if self._key is None:
            if self._file is None:
                self._key = (await shared_secret(self._store, NAME)).encode()
            else:
                self._key = _in_file(self._file)
        return self._key


def _in_file(file: Path) -> bytes:
    try:
        if not file.exists():
            _make(file)
        key = file.read_bytes().strip()
    except OSError as error:
        raise EmailKeyError(f"{file}: the key for e-mail addresses cannot be read or made: {error.strerror}") from error
    if len(key) < LEAST_BYTES:
        raise EmailKeyError(f"{file}: the key for e-mail addresses must have at least {LEAST_BYTES} bytes")
    return key


def _make(file: Path) -> None:
    """Create the file, for its owner only. Another process never sees a part of it: it appears as a whole, or is
    another's already."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # with mode 0600
    try:
        with os.fdopen(descriptor, "w") as unnamed:
            unnamed.write(f"{secrets.token_hex(SECRET_BYTES)}\n")
            unnamed.flush()
            os.fsync(unnamed.fileno())
        os.link(name, file)
    except FileExistsError:
        return
    finally:
        os.unlink(name)
