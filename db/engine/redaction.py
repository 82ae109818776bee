"""Database errors as text for the log, with the values of rows removed.

PostgreSQL quotes a rejected row in the error's DETAIL, and an invalid value in the message itself. Visitors' data, such
as page titles and user agents, must not reach the log.
"""

from db.engine.backend.driver_errors import causes

# Attributes of an error that say where it happened, in the order of the text.
PLACES = ("table_name", "column_name", "constraint_name")
# Data exceptions, integrity violations, limits and errors raised by triggers: their messages may quote values.
QUOTING_CLASSES = ("22", "23", "44", "54", "P0")

# With this, a cluster passes on what a node says, whatever its class. What it quotes is after a colon.
PASSED_ON = "XX000"


def described(error: BaseException) -> str:
    """Return an error as one line of text without any row's values."""
    for cause in reversed([*causes(error)]):
        if (text := _driver_text(cause)) is not None:
            return text
    return _first_line(error)


def masked(text: str, error: BaseException) -> str:
    """Return a text that quotes an error, such as its formatted traceback, with each driver message replaced by what
    `described` returns."""
    for each in _chain(error):
        if (safe := _masked_text(each)) is not None:
            for quoted in (str(each), repr(each)):
                text = text.replace(quoted, safe) if quoted else text
    return text


def _driver_text(error: BaseException) -> str | None:
    """Return the safe text of a driver's error; None for any other error."""
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and hasattr(error, "severity"):
        return _postgresql_text(error, sqlstate)
    name = getattr(error, "sqlite_errorname", None)
    if isinstance(name, str):
        # An operator's trigger may put anything into its message.
        return name if name == "SQLITE_CONSTRAINT_TRIGGER" else _first_line(error)
    # Raised by the Python driver for text that no database accepts; the message quotes it.
    return type(error).__name__ if isinstance(error, UnicodeError) else None


def _postgresql_text(error: BaseException, sqlstate: str) -> str:
    if sqlstate == PASSED_ON:
        return _first_line(error).partition(": ")[0]
    if sqlstate[:2] not in QUOTING_CLASSES:
        return getattr(error, "message", None) or _first_line(error)
    places = [f"{place.removesuffix('_name')} {name}" for place in PLACES if (name := getattr(error, place, None))]
    return ", ".join([f"{type(error).__name__} ({sqlstate})", *places])


def _masked_text(error: BaseException) -> str | None:
    """Return the text that replaces an error's message in a traceback; None if the message is safe."""
    # SQLAlchemy's wrappers repeat the driver's message; each has one of these attributes.
    is_wrapper = getattr(error, "orig", None) is not None or getattr(error, "sqlstate", None) is not None
    return described(error) if is_wrapper or _driver_text(error) is not None else None


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and every other that its traceback shows: causes, contexts and members of groups."""
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
    # The longest message first, since one may quote another.
    return sorted(found.values(), key=lambda each: len(str(each)), reverse=True)


def _first_line(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    return next(iter(str(error).splitlines()), "") or type(error).__name__
