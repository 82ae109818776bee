"""Why clicks and conversions could not be recorded, in the log: each kind of error once with its traceback, then how
many more of them met it. An error that hits a whole batch, or every batch, would fill the log otherwise."""

import asyncio
import logging
from dataclasses import dataclass
from typing import TypeAlias
from uuid import uuid4

from db.engine.backend.driver_errors import causes
from db.engine.redaction import described
from db.errors import RecordFailed, StoreError

logger = logging.getLogger(__name__)

# Records that meet the same error are counted for so long, and then reported in one line.
COUNT_SECONDS = 10
# Messages may quote what clients sent, so that there is no end to them.
MOST_KINDS = 100

Kind: TypeAlias = tuple[type[BaseException], str, str]
OTHERS: Kind = (Exception, "various errors", "")


@dataclass(slots=True)
class _Counted:
    fault: str
    noun: str
    more: int = 0


class Faults:
    """Logs the errors that are no outages. Used on the event loop."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, _Counted] = {}

    def logged(self, error: Exception, noun: str, count: int = 1) -> RecordFailed:
        """Log an error that so many records met, or count it if its kind was logged a moment ago; return what to tell
        those who sent them, with the id under which the log has the traceback."""
        kind = _kind(error)
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            kind = OTHERS
        counted = self._kinds.get(kind)
        if counted is None:
            counted = self._begin(kind, error, noun, count)
        else:
            counted.more += count
        return _failed(counted.fault, error)

    def _begin(self, kind: Kind, error: Exception, noun: str, count: int) -> _Counted:
        counted = self._kinds[kind] = _Counted(uuid4().hex, noun)
        what = f"a {noun}" if count == 1 else f"a batch of {count} {noun}s"
        logger.error("%s could not be recorded", what, exc_info=error, extra={"fault": counted.fault})
        asyncio.get_running_loop().call_later(COUNT_SECONDS, self._sum_up, kind)
        return counted

    def _sum_up(self, kind: Kind) -> None:
        counted = self._kinds[kind]
        if not counted.more:
            del self._kinds[kind]
            return
        logger.error(
            "%d more could not be recorded within %g seconds, for the same reason: %s",
            counted.more,
            COUNT_SECONDS,
            kind[1] or kind[0].__name__,
            extra={"fault": counted.fault},
        )
        counted.more = 0
        asyncio.get_running_loop().call_later(COUNT_SECONDS, self._sum_up, kind)


def _failed(fault: str, error: Exception) -> RecordFailed:
    failed = RecordFailed(fault)
    failed.__cause__ = error
    return failed


def _kind(error: Exception) -> Kind:
    """Return what errors have in common that need one traceback: their type, where they were raised, and, for what the
    database says, its words, which quote no values."""
    is_stored = isinstance(error, StoreError) or any(hasattr(each, "sqlstate") for each in causes(error))
    is_stored = is_stored or any(hasattr(each, "sqlite_errorname") for each in causes(error))
    return type(error), described(error) if is_stored else "", _place(error)


def _place(error: Exception) -> str:
    traceback = error.__traceback__
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
