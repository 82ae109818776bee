"""One-line messages for errors that an operator can fix. Any other error is a bug, and keeps its traceback."""

import sqlite3
import sys

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.types import Message, Send

from db.errors import StoreError
from gateway.configuration.errors import GatewayError
from graph.domain.errors import ClickgateError


def one_line_message(error: BaseException) -> str | None:
    """Return the message for an error that an operator can fix, or None for any other.

    For a database error, this is the database's own message without the statement and its values, which may be secret.
    """
    match error:
        case StoreError() | ClickgateError() | GatewayError():
            text = str(error)
        case DBAPIError():
            text = f"database error: {_driver_message(error.orig or error)}"
        case SQLAlchemyError() | sqlite3.Error():
            text = f"database error: {_driver_message(error)}"
        case OSError():
            text = _system_message(error)
        case _ if type(error).__module__.startswith("asyncpg."):
            text = f"database error: {_driver_message(error)}"
        case _:
            return None
    return next(iter(text.splitlines()), "") or type(error).__name__


def with_startup_message(send: Send) -> Send:
    """Wrap the lifespan's `send` so that a failed start reports the one-line message, if any, and not a traceback."""

    async def send_with_message(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and error and (line := one_line_message(error)):
            message = {**message, "message": line}
        await send(message)

    return send_with_message


def _driver_message(error: BaseException) -> str:
    """Return a driver's message without the class name that SQLAlchemy's adapter puts in front."""
    return str(error).removeprefix(f"{type(error)}: ").split(">: ", 1)[-1]


def _system_message(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    reason = error.strerror or str(error)
    return f"{': '.join(names)}: {reason}" if names else reason
