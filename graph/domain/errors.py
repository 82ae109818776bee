"""The errors of the domain, as one tree. Each API maps them to its own protocol.

ClickgateError
├── Unauthenticated            the token is invalid, or missing where one is required
├── Forbidden                  the viewer may not do this
├── InvalidRequest             the request is invalid and will fail again if it is repeated
│   ├── BodyNotObject          the body is not a JSON object
│   ├── BodyTooLarge           the body exceeds the size limit
│   ├── BodyUnreadable         the body is truncated, or invalid in its content coding
│   ├── EncodingUnknown        the body's content coding is not supported
│   ├── AffiliateUrlMissing    ┐
│   ├── AffiliateUrlInvalid    │ the landing page's URL names no link
│   ├── AffMissing             ┘
│   ├── FieldInvalid           a field has the wrong type or format; `field` names it
│   ├── UnknownLink            no link has this code
│   ├── UnknownProgram         no program has this id
│   ├── UnknownPartner         no partner has this id
│   ├── UnknownToken           no token has this id
│   ├── UnknownSignInLink      no sign-in link has this secret
│   ├── SignInLinkUsed         the sign-in link has been used
│   ├── SignInLinkExpired      the sign-in link has expired, or its token was revoked
│   ├── …                      those of leads, sales, refunds and commissions, in `conversion_errors`
│   ├── LinkMisconfigured      the link has no partner or no program
│   ├── CodeTaken              another link already has this code
│   ├── TooComplex             a query exceeds a limit; `limit` names it
│   └── ReportTooLarge         a report would take too long, or too much memory
├── LinkInactive               the link is paused or its partner suspended, and nothing is recorded
└── TryLater                   the same request may succeed after `retry_after` seconds
    ├── RateLimited            this client sends too many requests
    ├── TooManyExports         this token has too many exports in progress
    ├── ExportsBusy            the gateway has too many exports in progress
    ├── QueueFull              too many clicks or conversions are waiting to be recorded
    └── DatabaseAway           the database cannot be reached
"""

import re
from collections.abc import Callable
from typing import ClassVar

from db import errors as storage

# Long enough for a database to restart, short enough for a visitor who is still on the page.
BUSY_RETRY_SECONDS = 2
# A hundred thousand rows take about as long.
EXPORT_RETRY_SECONDS = 5
NOT_RECORDED = "Clicks cannot be recorded right now"


class ClickgateError(Exception):
    """The base class. `message` is for the caller, and `code` is a stable snake_case name of the condition."""

    message: ClassVar[str] = ""
    code: ClassVar[str] = "clickgate_error"
    fields: ClassVar[tuple[str, ...]] = ()
    """The fields that the message names, as REST spells them."""

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    def __str__(self) -> str:
        return super().__str__() or self.message

    def worded(self, spell: Callable[[str], str]) -> str:
        """Return the message with field names in the spelling of another API."""
        message = str(self)
        for field in self.fields:
            message = message.replace(field, spell(field))
        return message


class Unauthenticated(ClickgateError):
    """The token is invalid, or missing where one is required."""

    message = "A valid token is required"


class Forbidden(ClickgateError):
    """The viewer may not do this."""

    message = "Your token does not allow this"


class InvalidRequest(ClickgateError):
    """The request is invalid and will fail again if it is repeated."""


class BodyNotObject(InvalidRequest):
    """The body is not a JSON object."""

    message = "Request body must be a JSON object"


class BodyTooLarge(InvalidRequest):
    """The body exceeds the size limit."""

    message = "Request body is too large"


class BodyUnreadable(InvalidRequest):
    """The body is truncated, or invalid in its content coding."""


class EncodingUnknown(InvalidRequest):
    """The body's content coding is not supported."""

    accepted: ClassVar[str] = "gzip, deflate, identity"
    message = f"Content-Encoding must be one of: {accepted}"


class AffiliateUrlMissing(InvalidRequest):
    """`affiliate_url` is missing or empty."""

    message = "affiliate_url is required"
    fields = ("affiliate_url",)


class AffiliateUrlInvalid(InvalidRequest):
    """`affiliate_url` is not a URL that a browser would accept."""

    message = "Invalid affiliate_url"
    fields = ("affiliate_url",)


class AffMissing(InvalidRequest):
    """`affiliate_url` has no `aff` parameter, or an empty one."""

    message = "No aff parameter found in affiliate_url"
    fields = ("affiliate_url",)


class FieldInvalid(InvalidRequest):
    """A field has the wrong type or format."""

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


class UnknownSignInLink(InvalidRequest):
    """No sign-in link has this secret."""

    message = "There is no such sign-in link. Copy all of it, or ask whoever sent it for a new one"


class SignInLinkUsed(InvalidRequest):
    """The sign-in link has been used."""

    message = "This link has been used already, and works only once. Ask whoever sent it for a new one"


class SignInLinkExpired(InvalidRequest):
    """The sign-in link has expired, or its token was revoked."""

    message = "This link is no longer valid. Ask whoever sent it for a new one"


class LinkMisconfigured(InvalidRequest):
    """The link has no partner or no program."""

    message = "Invalid referral link configuration"


class CodeTaken(InvalidRequest):
    """Another link already has this code."""

    message = "Code is already taken"


class TooComplex(InvalidRequest):
    """A query exceeds a limit. `limit` names it; where counting stops at the limit, `requested` is `maximum` plus
    one."""

    def __init__(self, limit: str, requested: int, maximum: int) -> None:
        counted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", limit).lower()
        measure = counted if counted.removesuffix("s") == counted else f"number of {counted}"
        super().__init__(f"The query is too complex: its {measure} ({requested}) exceeds the limit of {maximum}")
        self.limit = limit
        self.requested = requested
        self.maximum = maximum


class ReportTooLarge(InvalidRequest):
    """A report would take too long, or too much memory: `reason` completes the sentence that begins with "it"."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The report is too complex: it {reason}")


class LinkInactive(ClickgateError):
    """The link is paused, or its partner is suspended, and nothing is recorded."""

    message = "Referral link is inactive"


class TryLater(ClickgateError):
    """The same request may succeed after `retry_after` seconds."""

    retry_after: int = BUSY_RETRY_SECONDS


class RateLimited(TryLater):
    """This client sends too many requests."""

    message = "Too many requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyExports(TryLater):
    """This token has too many exports in progress."""

    message = "Your token has too many exports in progress"
    retry_after = EXPORT_RETRY_SECONDS


class ExportsBusy(TryLater):
    """The gateway has too many exports in progress."""

    message = "Too many exports are in progress"
    retry_after = EXPORT_RETRY_SECONDS


class QueueFull(TryLater):
    """Too many clicks or conversions are waiting to be recorded."""

    message = NOT_RECORDED


class DatabaseAway(TryLater):
    """The database cannot be reached."""

    message = "The database cannot be reached right now"


class outages:  # noqa: N801  a context manager, used like a function
    """Turn storage outages into `QueueFull` or `DatabaseAway`, with a message that says what cannot be done."""

    __slots__ = ("_message",)

    def __init__(self, message: str = DatabaseAway.message) -> None:
        self._message = message

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, storage.WriterQueueFull):
            raise QueueFull(self._message) from error
        if isinstance(error, storage.DatabaseUnavailable):
            raise DatabaseAway(self._message) from error
