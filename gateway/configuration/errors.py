"""The errors that the process reports to its operator.

GatewayError
├── GeoDatabaseError   a file is not a usable city database
├── EmailKeyError      the key for e-mail addresses cannot be read or made
├── PathTaken          a setting names a path that is already in use
├── NotText            an argument or a setting is not valid UTF-8
├── CannotListen       the address, port or socket file cannot be listened on
├── TooFewDescriptors  the limit on open files leaves no room for connections
└── NotEmpty           the demo needs an empty database
"""


class GatewayError(Exception):
    """An error with a message for the operator."""


class GeoDatabaseError(GatewayError):
    """A file is not a usable city database; the message names the file and the reason."""


class EmailKeyError(GatewayError):
    """The key of the digests of e-mail addresses cannot be read or made; the message names the file and the reason."""


class PathTaken(GatewayError):
    """A setting names a path that is already in use."""


class NotText(GatewayError):
    """An argument or a setting is not valid UTF-8; the message names it."""


class CannotListen(GatewayError):
    """The address, port or socket file cannot be listened on; the message gives the reason."""


class TooFewDescriptors(GatewayError):
    """The limit on open files leaves no room for connections."""


class NotEmpty(GatewayError):
    """The database contains programs, which the demo's data must not be mixed with."""
