"""What the errors of the two drivers mean: one table by SQLSTATE for PostgreSQL, one by error code for SQLite.

The rest of the code asks only whose fault an error is. An outage also has a reason in a few words, which operators see
in `/readyz`; the driver's own words go to the log.
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
CONFLICT = Verdict(Fault.CONFLICT, "another transaction stood in the way")
UNKNOWN = Verdict(Fault.UNKNOWN)

# By whole codes and by their classes, the first two characters; a code goes before its class. See the appendix
# "PostgreSQL Error Codes" of its manual.
SQLSTATES: Mapping[str, Verdict] = {
    "08": UNREACHABLE,  # connection exception
    "22": ROW,  # data exception
    "23": ROW,  # integrity constraint violation
    "25": UNREACHABLE,  # invalid transaction state: nothing but a new connection helps
    "25006": READ_ONLY,
    "26": UNREACHABLE,  # invalid SQL statement name: a pooler gave us another session
    "28": Verdict(Fault.OUTAGE, "the database refuses to let the gateway in"),  # authorization, password
    "3D": UNREACHABLE,  # the database does not exist
    "3F": OTHER_SCHEMA,  # invalid schema name
    "40": CONFLICT,  # serialization failure, deadlock
    "42501": FORBIDDEN,
    "42703": OTHER_SCHEMA,  # undefined column
    "42704": OTHER_SCHEMA,  # undefined object, such as a dropped role
    "42883": OTHER_SCHEMA,  # undefined function
    "42P01": OTHER_SCHEMA,  # undefined table
    "42P05": UNREACHABLE,  # duplicate prepared statement: a pooler gave us another session
    "44": ROW,  # WITH CHECK OPTION violation
    "53": FULL,  # insufficient resources
    "53300": CROWDED,
    "54": ROW,  # program limit exceeded, such as by a row that fits no page
    "55": UNREACHABLE,  # object not in prerequisite state
    "55P03": LOCKED,  # lock timeout
    "57": UNREACHABLE,  # operator intervention: shut down, starting up, terminated
    "57014": SILENT,  # canceled, as by statement_timeout
    "58": Verdict(Fault.OUTAGE, "the database's disk or system fails"),
    "58P01": DAMAGED,  # a file is missing
    "F0": UNREACHABLE,  # configuration file error
    "HV": UNREACHABLE,  # foreign data wrapper
    "P0": ROW,  # an operator's trigger refuses the row
    "XX": DAMAGED,  # internal error, corrupted data or index
}

# By primary codes, which extended ones such as SQLITE_IOERR_FSYNC carry in their lowest byte.
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
# SQLITE_ERROR is said of any statement that does not compile; these are the ones that another schema is to blame for.
MISSING = ("no such table", "no such column", "no such index", "has no column named", "no such view")


def of_sqlstate(code: str) -> Verdict:
    """Return what an error of PostgreSQL means, by its five characters."""
    return SQLSTATES.get(code) or SQLSTATES.get(code[:2], UNKNOWN)


def of_sqlite(error: sqlite3.Error) -> Verdict:
    """Return what an error of SQLite means, by its extended code."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # The driver's own: a connection that was closed, or a value that it cannot bind.
        return UNREACHABLE if "closed database" in str(error) else UNKNOWN
    if code == sqlite3.SQLITE_ERROR:
        return OTHER_SCHEMA if any(words in str(error) for words in MISSING) else UNKNOWN
    return SQLITE_CODES.get(code & PRIMARY_CODE, UNKNOWN)


def of_ours(error: StoreError) -> Verdict:
    """Return what an error means that was classified before, whatever it was raised from."""
    return Verdict(Fault.OUTAGE, error.reason) if isinstance(error, DatabaseUnavailable) else UNKNOWN


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, in turn: SQLAlchemy wraps a driver's error once or twice."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__
