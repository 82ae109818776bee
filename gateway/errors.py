"""What the process itself reports to whoever operates it.

GatewayError
├── GeoDatabaseError   a file cannot be used to find places
├── PathTaken          a setting names a path at which something else is served
├── NotText            an argument or a setting is not text
├── CannotListen       the address, port or socket file cannot be listened on
├── TooFewDescriptors  the limit on open files leaves no room for connections
└── NotEmpty           a database is not empty, and so none for the demonstration
"""


class GatewayError(Exception):
    """Anything the process reports on purpose; the message is for people."""


class GeoDatabaseError(GatewayError):
    """A file that cannot be used to find places; the message names it and says why."""


class PathTaken(GatewayError):
    """A setting names a path at which something else is served."""


class NotText(GatewayError):
    """An argument or a setting has bytes that are no text; the message names it."""


class CannotListen(GatewayError):
    """The address, the port or the socket file cannot be listened on; the message says why."""


class TooFewDescriptors(GatewayError):
    """The limit on open files leaves no room for connections."""


class NotEmpty(GatewayError):
    """The database holds somebody's programs, with which the demonstration's must not be mixed."""
