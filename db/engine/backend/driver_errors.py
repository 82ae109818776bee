"""Classification of the drivers' errors: by SQLSTATE for PostgreSQL, by error code for SQLite.

The rest of the code sees only the resulting `Verdict`. For an outage this includes a short reason, which `/readyz`
shows; the driver's own message goes to the log.
"""

import sqlite3
from collections.abc import Iterator, Mapping

from db.engine.backend.protocol import Fault, Verdict
from db.errors import DatabaseUnavailable, StoreError

UNREACHABLE = Verdict(Fault.OUTAGE, "the database cannot be reached")
SILENT = Verdict(Fault.OUTAGE, "the database does not answer in time")
FULL = Verdict(Fault.OUTAGE, "the database has no space or memory left")
CROWDED = Verdict(Fault.OUTAGE, "the database has no connection left")
LOCKED = Verdict(Fault.OUTAGE, "the database is locked")
READ_ONLY = Verdict(Fault.OUTAGE, "the database is read-only")
FORBIDDEN = Verdict(Fault.OUTAGE, "the database denies permission")
DAMAGED = Verdict(Fault.OUTAGE, "the database is damaged")
OTHER_SCHEMA = Verdict(Fault.OUTAGE, "the database's schema is not the one this version needs")
OTHER_FILE = Verdict(Fault.OUTAGE, "the database file was moved, removed or replaced")
ROW = Verdict(Fault.ROW)
CONFLICT = Verdict(Fault.CONFLICT, "another transaction got in the way")
UNKNOWN = Verdict(Fault.UNKNOWN)

# Keys are full codes or classes (a code's first two characters); the full code takes precedence. See the appendix
# "PostgreSQL Error Codes" of the manual.
SQLSTATES: Mapping[str, Verdict] = {
    "08": UNREACHABLE,  # connection exception
    "22": ROW,  # data exception
    "23": ROW,  # integrity constraint violation
    "25": UNREACHABLE,  # invalid transaction state: only a new connection helps
    "25006": READ_ONLY,
    "26": UNREACHABLE,  # invalid SQL statement name: a pooler switched the session
    "28": Verdict(Fault.OUTAGE, "the database rejects the gateway's login"),  # authorization, password
    "3D": UNREACHABLE,  # the database does not exist
    "3F": OTHER_SCHEMA,  # invalid schema name
    "40": CONFLICT,  # serialization failure, deadlock
    "42501": FORBIDDEN,
    "42703": OTHER_SCHEMA,  # undefined column
    "42704": OTHER_SCHEMA,  # undefined object, such as a dropped role
    "42883": OTHER_SCHEMA,  # undefined function
    "42P01": OTHER_SCHEMA,  # undefined table
    "42P05": UNREACHABLE,  # duplicate prepared statement: a pooler switched the session
    "44": ROW,  # WITH CHECK OPTION violation
    "53": FULL,  # insufficient resources
    "53300": CROWDED,
    "54": ROW,  # program limit exceeded, such as a row larger than a page
    "55": UNREACHABLE,  # object not in prerequisite state
    "55P03": LOCKED,  # lock timeout
    "57": UNREACHABLE,  # operator intervention: shut down, starting up, terminated
    "57014": SILENT,  # canceled, as by statement_timeout
    "58": Verdict(Fault.OUTAGE, "the database server reports a system error"),
    "58P01": DAMAGED,  # a file is missing
    "F0": UNREACHABLE,  # configuration file error
    "HV": UNREACHABLE,  # foreign data wrapper
    "P0": ROW,  # raised by an operator's trigger: the row is rejected
    "XX": DAMAGED,  # internal error, corrupted data or index
}

# Keys are primary codes: the lowest byte of an extended code such as SQLITE_IOERR_FSYNC.
PRIMARY_CODE = 0xFF
SQLITE_CODES: Mapping[int, Verdict] = {
    sqlite3.SQLITE_AUTH: FORBIDDEN,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_CANTOPEN: UNREACHABLE,
    sqlite3.SQLITE_CONSTRAINT: ROW,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_INTERRUPT: SILENT,
    sqlite3.SQLITE_IOERR: Verdict(Fault.OUTAGE, "the database file cannot be read or written"),
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_MISMATCH: ROW,
    sqlite3.SQLITE_NOLFS: FULL,
    sqlite3.SQLITE_NOMEM: FULL,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_PERM: FORBIDDEN,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_SCHEMA: CONFLICT,
    sqlite3.SQLITE_TOOBIG: ROW,
}
# SQLITE_ERROR covers every statement that does not compile. These messages mean that the schema is a different one.
MISSING = ("no such table", "no such column", "no such index", "has no column named", "no such view")


def of_sqlstate(code: str) -> Verdict:
    """Classify a PostgreSQL error by its SQLSTATE."""
    return SQLSTATES.get(code) or SQLSTATES.get(code[:2], UNKNOWN)


def of_sqlite(error: sqlite3.Error) -> Verdict:
    """Classify a SQLite error by its extended error code."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # Raised by the Python driver itself: the connection is closed, or a value cannot be bound.
        return UNREACHABLE if "closed database" in str(error) else UNKNOWN
    if code == sqlite3.SQLITE_ERROR:
        return OTHER_SCHEMA if any(words in str(error) for words in MISSING) else UNKNOWN
    return SQLITE_CODES.get(code & PRIMARY_CODE, UNKNOWN)


def of_ours(error: StoreError) -> Verdict:
    """Classify an error that storage raised itself, from the classification that it already carries."""
    return Verdict(Fault.OUTAGE, error.reason) if isinstance(error, DatabaseUnavailable) else UNKNOWN


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its chain of `__cause__`: SQLAlchemy wraps a driver's error once or twice."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__
