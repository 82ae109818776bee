"""Errors that an operator can mend, told in one line; any other is a fault and keeps its traceback."""

import sqlite3
import sys

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.types import Message, Send

from db.errors import StoreError
from gateway.errors import GatewayError
from graph.domain.errors import ClickgateError


def one_line_message(error: BaseException) -> str | None:
    """Return what to tell of an error; None for one that is nobody's but ours.

    A database's error is told in the database's own words, without the statement and its values, which may be secret.
    """
    match error:
        case StoreError() | ClickgateError() | GatewayError():
            text = str(error)
        case DBAPIError():
            text = f"the database refused: {_words(error.orig or error)}"
        case SQLAlchemyError() | sqlite3.Error():
            text = f"the database refused: {_words(error)}"
        case OSError():
            text = _of_system(error)
        case _ if type(error).__module__.startswith("asyncpg."):
            text = f"the database refused: {_words(error)}"
        case _:
            return None
    return next(iter(text.splitlines()), "") or type(error).__name__


def with_startup_message(send: Send) -> Send:
    """Return what sends why a start failed: in one line where an operator can mend it, else with the traceback."""

    async def tell(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and error and (told := one_line_message(error)):
            message = {**message, "message": told}
        await send(message)

    return tell


def _words(error: BaseException) -> str:
    """Return a driver's message without the name of its class, which SQLAlchemy's adapter puts before it."""
    return str(error).removeprefix(f"{type(error)}: ").split(">: ", 1)[-1]


def _of_system(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    reason = error.strerror or str(error)
    return f"{': '.join(names)}: {reason}" if names else reason
