"""A database's errors in words for the log, without the values of the row that they are about.

PostgreSQL repeats a refused row in its DETAIL, and a value that it cannot read in the message itself. A visitor's page
title and user agent have no place in a log.
"""

from db.engine.backend.driver_errors import causes

# In the order in which they are told.
PLACES = ("table_name", "column_name", "constraint_name")
# Data exceptions, integrity violations, limits, and what triggers raise: their messages may quote values.
QUOTING_CLASSES = ("22", "23", "44", "54", "P0")


def described(error: BaseException) -> str:
    """Return an error in one line, without any value of a row."""
    for cause in reversed([*causes(error)]):
        if (text := _driver_text(cause)) is not None:
            return text
    return _first_line(error)


def masked(text: str, error: BaseException) -> str:
    """Return a formatted traceback of an error, or another text that quotes it, with what drivers say about rows
    replaced by what `described` returns."""
    for each in _chain(error):
        if (safe := _masked_text(each)) is not None:
            for told in (str(each), repr(each)):
                text = text.replace(told, safe) if told else text
    return text


def _driver_text(error: BaseException) -> str | None:
    """Return what a driver's error says, None for any other error."""
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and hasattr(error, "severity"):
        return _postgresql_text(error, sqlstate)
    name = getattr(error, "sqlite_errorname", None)
    if isinstance(name, str):
        # An operator's trigger may say anything.
        return name if name == "SQLITE_CONSTRAINT_TRIGGER" else _first_line(error)
    # Of a text that no database takes; the driver's own.
    return type(error).__name__ if isinstance(error, UnicodeError) else None


def _postgresql_text(error: BaseException, sqlstate: str) -> str:
    if sqlstate[:2] not in QUOTING_CLASSES:
        return getattr(error, "message", None) or _first_line(error)
    places = [f"{place.removesuffix('_name')} {name}" for place in PLACES if (name := getattr(error, place, None))]
    return ", ".join([f"{type(error).__name__} ({sqlstate})", *places])


def _masked_text(error: BaseException) -> str | None:
    """Return what replaces an error's message in a traceback; None where it may stay."""
    # SQLAlchemy's wrappers, which repeat the driver's message, have one attribute or the other.
    is_wrapper = getattr(error, "orig", None) is not None or getattr(error, "sqlstate", None) is not None
    return described(error) if is_wrapper or _driver_text(error) is not None else None


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and all that a traceback shows with it: causes, contexts, and members of groups."""
    found: dict[int, BaseException] = {}
    todo = [error]
    while todo:
        each = todo.pop()
        if id(each) in found:
            continue
        found[id(each)] = each
        todo += [other for other in (each.__cause__, each.__context__) if other is not None]
        if isinstance(each, BaseExceptionGroup):
            todo += each.exceptions
    # The longest message first: one may quote another.
    return sorted(found.values(), key=lambda each: len(str(each)), reverse=True)


def _first_line(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    return next(iter(str(error).splitlines()), "") or type(error).__name__
