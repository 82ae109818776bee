"""The operating system's limit on open files, and the number of connections that fit into it.

Some descriptors stay reserved, so that files opened later (a pooled connection, a replaced city database, a module)
can be opened however many connections there are.
"""

import errno
import logging
import os
import sys

from gateway.configuration.errors import TooFewDescriptors

logger = logging.getLogger(__name__)

# Connection pools grow with use: up to twenty connections to PostgreSQL, or three open files per SQLite reader.
RESERVED_DESCRIPTORS = 64
MIN_CONNECTIONS = 8
MIN_DESCRIPTORS = 64

if sys.platform == "win32":

    def raise_descriptor_limit() -> None:
        """Do nothing: Windows has no such limit on sockets."""

    def _limit() -> int | None:
        return None

else:
    import resource

    def raise_descriptor_limit() -> None:
        """Raise the soft limit on open files to the hard limit, if the system allows it."""
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
    """Raise `TooFewDescriptors` if the limit on open files is too low to serve."""
    limit = _limit()
    if limit is not None and limit < MIN_DESCRIPTORS:
        raise TooFewDescriptors(
            f"the limit on open files is {limit}, but a gateway needs at least {MIN_DESCRIPTORS} (see ulimit -n)"
        )


def affordable_connections(wanted: int) -> int:
    """Return how many connections, at most `wanted`, fit into the limit on open files beside the files that are already
    open and those that will be."""
    limit = _limit()
    if limit is None:
        return wanted
    free = limit - _open_descriptors()
    return max(MIN_CONNECTIONS, min(wanted, free - min(RESERVED_DESCRIPTORS, free // 2)))


def is_exhaustion(error: BaseException | None) -> bool:
    """Return whether an error, or one of its causes, means that the process ran out of file descriptors."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        # The loader of shared libraries reports it without an errno.
        if isinstance(error, ImportError) and os.strerror(errno.EMFILE) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _open_descriptors() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return RESERVED_DESCRIPTORS
