"""Everything that a resolver says no with, as one tree; a face maps it to its own protocol.

ClickgateError
├── Unauthenticated            the token is not known, or there is none where one is needed
├── Forbidden                  the viewer may not do this
├── InvalidRequest             the caller should not send this again as it is
│   ├── BodyNotObject          the body is not a JSON object
│   ├── BodyTooLarge           the body is over the limit
│   ├── BodyUnreadable         the body is not valid in the content coding that it names, or cut off
│   ├── EncodingUnknown        the body's content coding is not read here
│   ├── AffiliateUrlMissing    ┐
│   ├── AffiliateUrlInvalid    │ the landing page's URL names no link
│   ├── AffMissing             ┘
│   ├── FieldInvalid           one field has the wrong type or form; `field` names it
│   ├── UnknownLink            no link has this code
│   ├── UnknownProgram         no program has this id
│   ├── UnknownPartner         no partner has this id
│   ├── UnknownToken           no token has this id
│   ├── LinkMisconfigured      the link has no partner or no program
│   ├── CodeTaken              another link has this code already
│   └── TooComplex             a query asks for more than one request may; `limit` names what was counted
├── LinkInactive               the link is paused; nothing is recorded
└── TryLater                   the same request may succeed after `retry_after` seconds
    ├── RateLimited            this client sends too much
    ├── QueueFull              too many clicks wait
    └── DatabaseAway           the database cannot be reached
"""

import re
from collections.abc import Callable
from typing import ClassVar

from db import errors as storage

# Time for a restarting database to come back, short enough for a visitor who is still on the page.
BUSY_RETRY_SECONDS = 2
NOT_RECORDED = "Clicks cannot be recorded right now"


class ClickgateError(Exception):
    """The root. `message` is for the caller, `code` a stable snake_case name of the condition."""

    message: ClassVar[str] = ""
    code: ClassVar[str] = "clickgate_error"
    fields: ClassVar[tuple[str, ...]] = ()
    """The fields that the message names, in the spelling of REST."""

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def __str__(self) -> str:
        return super().__str__() or self.message

    def worded(self, spell: Callable[[str], str]) -> str:
        """Return the message for clients that spell the names of fields in another way."""
        message = str(self)
        for field in self.fields:
            message = message.replace(field, spell(field))
        return message


class Unauthenticated(ClickgateError):
    """The token is not known, or there is none where one is needed."""

    message = "A valid token is required"


class Forbidden(ClickgateError):
    """The viewer may not do this."""

    message = "This is not allowed"


class InvalidRequest(ClickgateError):
    """The caller should not send this again as it is."""


class BodyNotObject(InvalidRequest):
    """The body is not a JSON object."""

    message = "Request body must be a JSON object"


class BodyTooLarge(InvalidRequest):
    """The body is over the limit."""

    message = "Request body is too large"


class BodyUnreadable(InvalidRequest):
    """The body is not valid in the content coding that it names, or cut off."""


class EncodingUnknown(InvalidRequest):
    """The body's content coding is not read here."""

    accepted: ClassVar[str] = "gzip, deflate, identity"
    message = f"Content-Encoding must be one of: {accepted}"


class AffiliateUrlMissing(InvalidRequest):
    """There is no `affiliate_url`, or it is empty."""

    message = "affiliate_url is required"
    fields = ("affiliate_url",)


class AffiliateUrlInvalid(InvalidRequest):
    """No browser would accept `affiliate_url` as a URL."""

    message = "Invalid affiliate_url"
    fields = ("affiliate_url",)


class AffMissing(InvalidRequest):
    """`affiliate_url` has no `aff` parameter, or an empty one."""

    message = "No aff parameter found in affiliate_url"
    fields = ("affiliate_url",)


class FieldInvalid(InvalidRequest):
    """One field has the wrong type or form."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem

    def worded(self, spell: Callable[[str], str]) -> str:
        return f"{spell(self.field)} {self.problem}"


class UnknownLink(InvalidRequest):
    """No link has this code."""

    message = "Referral link not found"


class UnknownProgram(InvalidRequest):
    """No program has this id."""

    message = "Program not found"


class UnknownPartner(InvalidRequest):
    """No partner has this id."""

    message = "Partner not found"


class UnknownToken(InvalidRequest):
    """No token has this id."""

    message = "Token not found"


class LinkMisconfigured(InvalidRequest):
    """The link has no partner or no program."""

    message = "Invalid referral link configuration"


class CodeTaken(InvalidRequest):
    """Another link has this code already."""

    message = "Code is already taken"


class TooComplex(InvalidRequest):
    """A query asks for more than one request may; `limit` names what was counted. Where counting stops at the limit,
    `requested` is only one more than `maximum`."""

    def __init__(self, limit: str, requested: int, maximum: int) -> None:
        counted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", limit).lower()
        measure = counted if counted.removesuffix("s") == counted else f"number of {counted}"
        super().__init__(f"The query is too complex: its {measure} of {requested} is over {maximum}")
        self.limit = limit
        self.requested = requested
        self.maximum = maximum


class LinkInactive(ClickgateError):
    """The link is paused; nothing is recorded."""

    message = "Referral link is inactive"


class TryLater(ClickgateError):
    """The same request may succeed after `retry_after` seconds."""

    retry_after: int = BUSY_RETRY_SECONDS


class RateLimited(TryLater):
    """This client sends too much."""

    message = "Too many requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class QueueFull(TryLater):
    """Too many clicks wait."""

    message = NOT_RECORDED


class DatabaseAway(TryLater):
    """The database cannot be reached."""

    message = "The database cannot be reached right now"


class outages:  # noqa: N801  a context manager, used like a function
    """Turn what storage reports of its availability into `QueueFull` or `DatabaseAway`, the latter with a message."""

    __slots__ = ("_message",)

    def __init__(self, message: str = DatabaseAway.message) -> None:
        self._message = message

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, storage.WriterQueueFull):
            raise QueueFull from error
        if isinstance(error, storage.DatabaseUnavailable):
            raise DatabaseAway(self._message) from error
