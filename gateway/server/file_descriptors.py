"""The operating system's limit on open files, and how many connections fit into it.

What a process opens late (a pooled connection, a city database that was replaced, a module) must find a descriptor,
however many connections there are.
"""

import errno
import logging
import os
import sys

from gateway.errors import TooFewDescriptors

logger = logging.getLogger(__name__)

# Connection pools fill up as they are used: twenty connections for PostgreSQL; each reader of SQLite opens three files.
RESERVED_DESCRIPTORS = 64
FEWEST_CONNECTIONS = 8
FEWEST_DESCRIPTORS = 64

if sys.platform == "win32":

    def raise_descriptor_limit() -> None:
        """Do nothing: sockets have no such limit here."""

    def _limit() -> int | None:
        return None

else:
    import resource

    def raise_descriptor_limit() -> None:
        """Raise the soft limit on open files to the hard one, as far as the system lets us."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            except (OSError, ValueError):
                logger.debug("the limit on open files stays at %d", soft)

    def _limit() -> int | None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return None if soft == resource.RLIM_INFINITY else soft


def check_descriptors() -> None:
    """Raise `TooFewDescriptors` where the limit on open files is too low to serve."""
    limit = _limit()
    if limit is not None and limit < FEWEST_DESCRIPTORS:
        raise TooFewDescriptors(
            f"the limit on open files is {limit}: a gateway takes {FEWEST_DESCRIPTORS} or more (ulimit -n)"
        )


def affordable_connections(wanted: int) -> int:
    """Return how many connections fit into the limit on open files, at most `wanted`, beside the files that are open
    already and those that are opened later."""
    limit = _limit()
    if limit is None:
        return wanted
    free = limit - _open_descriptors()
    return max(FEWEST_CONNECTIONS, min(wanted, free - min(RESERVED_DESCRIPTORS, free // 2)))


def is_exhaustion(error: BaseException | None) -> bool:
    """Return whether an error, or one that caused it, says that no descriptor was left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        # A shared library's loader has no number for it.
        if isinstance(error, ImportError) and os.strerror(errno.EMFILE) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _open_descriptors() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return RESERVED_DESCRIPTORS
