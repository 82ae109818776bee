"""What the two databases say differently when a long history is made in them, and how each is filled fastest."""

from abc import ABC, abstractmethod

from db.rollups.aggregation import KEY
from db.schema.clicks import ClickEvent
from db.schema.rollups import ClickRollup

EVENTS, ROLLUPS = ClickEvent.__tablename__, ClickRollup.__tablename__
NUMBERED = ("affiliate_programs", "affiliate_partners", "referral_links")


class Engine(ABC):
    """What the two databases say differently, and how each is filled fastest."""

    sorts_by_time = True
    adds_sums_up = False
    """Whether sums that others add up to are made of those."""
    begin: tuple[str, ...] = ()
    """What each of the two transactions begins with."""
    prepare: tuple[str, ...] = ()
    settle: tuple[str, ...] = ()
    """What is done between them, outside any."""
    finish: tuple[str, ...] = ()
    tidy: tuple[str, ...]
    """What is done in the end, outside any."""

    @abstractmethod
    def numbers(self, last: int) -> str:
        """Return a table of the numbers from 1, in a column `n`."""

    @abstractmethod
    def moment(self, microseconds: str) -> str:
        """Return a moment by the microseconds since 1970."""

    @abstractmethod
    def bucket(self, moment: str, span_seconds: int) -> str:
        """Return the start of the bucket in which a moment lies."""


class Postgres(Engine):
    """Foreign keys are not checked row by row, which would take most of the time; they hold by construction. A key is
    indexed in one go, and rollups lie in the order of time, as they do after they were folded day by day."""

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
    """Rollups lie in the order of their key, in which they are best added. All events are sorted for each kind of sums
    that is made of them. They are read from the file, once they are copied there, in nine tenths of the time that it
    takes from a log that holds everything."""

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
