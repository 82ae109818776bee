"""Clicks in partitions on PostgreSQL, one for each month, and about how many events a history still has.

An id begins with the month in which it was given out, so it tells the partition. The clicks that are stored already
become a partition of their own, whose ids are below those of any month.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

EVENTS = "affiliate_click_events"
IDS_PER_MONTH = 10**10
MONTHS_AHEAD = 2
COLUMNS = (
    "program_id, occurred_at, id",
    "program_id, link_id, occurred_at, id",
    "program_id, partner_id, occurred_at, id",
    "program_id, customer_id, occurred_at, id",
)
REFERENCES = (
    ("program_id, partner_id", "partner_programs", "program_id, partner_id"),
    ("program_id, customer_id", "customers", "program_id, id"),
    ("link_id", "referral_links", "id"),
)


def upgrade() -> None:
    op.add_column(
        "outbox_histories", sa.Column("events_left", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.execute("UPDATE outbox_histories SET events_left = last_id - listed_to")
    if op.get_bind().dialect.name == "postgresql":
        _partition()


def _partition() -> None:
    month = op.get_bind().scalar(sa.text("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')::integer"))
    _rename()
    op.execute(
        f"CREATE TABLE {EVENTS} (LIKE {EVENTS}_older INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (id)"
    )
    op.execute(f"ALTER TABLE {EVENTS} ADD CONSTRAINT pk_{EVENTS} PRIMARY KEY (program_id, id)")
    for columns in COLUMNS:
        op.execute(f"CREATE INDEX ix_{EVENTS}_{_joined(columns)} ON {EVENTS} ({columns})")
    for columns, table, referred in REFERENCES:
        op.execute(
            f"ALTER TABLE {EVENTS} ADD CONSTRAINT fk_{EVENTS}_{_joined(columns)} "
            f"FOREIGN KEY ({columns}) REFERENCES {table} ({referred})"
        )
    # Reads all clicks once, to see that their ids are below those of any month.
    op.execute(
        f"ALTER TABLE {EVENTS} ATTACH PARTITION {EVENTS}_older FOR VALUES FROM (MINVALUE) TO ({_first_id(month)})"
    )
    blocks = sa.table("id_blocks", sa.column("name"), sa.column("next_id", sa.BigInteger))
    op.execute(blocks.update().where(blocks.c.name == "click_events").values(next_id=_first_id(month) + 1))
    for _ in range(MONTHS_AHEAD + 1):
        _add_month(month)
        month = _after(month)


def _rename() -> None:
    """Make room for the names of the new table's indexes."""
    older = f"{EVENTS}_older"
    op.execute(f"ALTER TABLE {EVENTS} RENAME TO {older}")
    op.execute(f"ALTER TABLE {older} RENAME CONSTRAINT pk_{EVENTS} TO pk_{older}")
    # Its name has been too long to have anything appended to it.
    check = f"ck_{EVENTS}_event_id"
    op.execute(f"ALTER TABLE {older} RENAME CONSTRAINT ck_{EVENTS}_{check} TO {check}")
    op.execute(f"ALTER INDEX uq_{EVENTS}_event_id RENAME TO uq_{older}_event_id")
    for number, columns in enumerate(COLUMNS, 1):
        op.execute(f"ALTER INDEX ix_{EVENTS}_{_joined(columns)} RENAME TO ix_{older}_{number}")


def _add_month(month: int) -> None:
    name = f"{EVENTS}_{month // 100}_{month % 100:02}"
    op.execute(f"CREATE TABLE {name} (LIKE {EVENTS} INCLUDING ALL)")
    op.execute(f"CREATE UNIQUE INDEX uq_{name}_event_id ON {name} (program_id, event_id) WHERE event_id IS NOT NULL")
    bounds = f"FROM ({_first_id(month)}) TO ({_first_id(_after(month))})"
    op.execute(f"ALTER TABLE {EVENTS} ATTACH PARTITION {name} FOR VALUES {bounds}")


def _joined(columns: str) -> str:
    return columns.replace(", ", "_")


def _first_id(month: int) -> int:
    return month * IDS_PER_MONTH


def _after(month: int) -> int:
    return month + 1 if month % 100 < 12 else month + 89
