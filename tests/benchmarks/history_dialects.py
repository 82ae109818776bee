"""The SQL for generating a history that differs between the two databases, including the fastest way to fill each."""

from abc import ABC, abstractmethod

from db.rollups.aggregation import KEY
from db.schema.clicks import ClickEvent
from db.schema.rollups import ClickRollup

EVENTS, ROLLUPS = ClickEvent.__tablename__, ClickRollup.__tablename__
NUMBERED = ("affiliate_programs", "affiliate_partners", "referral_links")


class Engine(ABC):
    """One database's SQL and its fastest way to be filled."""

    sorts_by_time = True
    adds_sums_up = False
    """Whether coarser sums are computed from finer ones."""
    begin: tuple[str, ...] = ()
    """Commands at the start of each of the two transactions."""
    prepare: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()
    """Commands between the transactions."""
    finish: tuple[str, ...] = ()
    tidy: tuple[str, ...]
    """Commands at the end, outside any transaction."""

    @abstractmethod
    def numbers(self, last: int) -> str:
        """Return a table with the numbers from 1 in the column `n`."""

    @abstractmethod
    def moment(self, microseconds: str) -> str:
        """Return the timestamp for a number of microseconds since 1970."""

    @abstractmethod
    def bucket(self, moment: str, span_seconds: int) -> str:
        """Return the start of the bucket that contains a timestamp."""


class Postgres(Engine):
    """Foreign keys, which hold by construction, are not checked per row, since that would take most of the time.
    Indexes are built at the end, and rollups are stored in order of time, as if they had been aggregated day by day."""

    begin = ("SET LOCAL maintenance_work_mem = '512MB'", "SET LOCAL work_mem = '256MB'")
    prepare = (f"ALTER TABLE {EVENTS} DISABLE TRIGGER ALL", f"ALTER TABLE {ROLLUPS} DROP CONSTRAINT pk_{ROLLUPS}")
    finish = (
        f"ALTER TABLE {ROLLUPS} ADD CONSTRAINT pk_{ROLLUPS} PRIMARY KEY ({', '.join(KEY)})",
        f"ALTER TABLE {EVENTS} ENABLE TRIGGER ALL",
        *(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))" for name in NUMBERED),
    )
    tidy = ("VACUUM ANALYZE", "CHECKPOINT")

    def numbers(self, last: int) -> str:
        return f"generate_series(1::bigint, {last}) AS numbers (n)"

    def moment(self, microseconds: str) -> str:
        return f"(timestamptz '1970-01-01 00:00:00+00' + ({microseconds}) * interval '1 microsecond')"

    def bucket(self, moment: str, span_seconds: int) -> str:
        return f"date_bin(interval '{span_seconds} seconds', {moment}, timestamptz '1970-01-01 00:00:00+00')"


class Sqlite(Engine):
    """Rollups are stored in the order of their key, in which inserting them is fastest. Each kind of sums sorts all
    events, which are read from the database file after a checkpoint: a tenth faster than from a log that contains
    everything."""

    sorts_by_time = False
    adds_sums_up = True
    settle = ("PRAGMA wal_checkpoint(TRUNCATE)",)
    tidy = ("ANALYZE",)

    def numbers(self, last: int) -> str:
        counting = f"SELECT 1 AS n UNION ALL SELECT n + 1 FROM counted WHERE n < {last}"
        return f"(WITH RECURSIVE counted AS ({counting}) SELECT n FROM counted) AS numbers"

    def moment(self, microseconds: str) -> str:
        return f"({microseconds})"

    def bucket(self, moment: str, span_seconds: int) -> str:
        span = span_seconds * 1_000_000
        return f"({moment} / {span} * {span})"
