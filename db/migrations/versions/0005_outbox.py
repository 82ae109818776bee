"""The outbox, which replaces the queue of clicks that wait for the rollups."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NOW = {
    "postgresql": "now()",
    "sqlite": "(CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000)",
}
# Clicks in rows with a `folded_at` are in the rollups already.
COPY_WAITING = """
    INSERT INTO outbox_ranges (kind, program_id, first_id, last_id, events, recorded_at)
    SELECT 'click', program_id, first_id, last_id, clicks, noted_at
    FROM click_rollup_queue WHERE folded_at IS NULL ORDER BY id
"""
ADD_ROLLUPS = "INSERT INTO outbox_consumers (name, position, complete_to) VALUES ('rollups', 0, 0)"


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    present = sa.text(NOW[op.get_bind().dialect.name])
    op.create_table(
        "outbox_ranges",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("program_id", ROW_ID, nullable=False),
        sa.Column("first_id", ROW_ID, nullable=False),
        sa.Column("last_id", ROW_ID, nullable=False),
        sa.Column("events", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recorded_at", MOMENT, server_default=present, nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("consumer", text(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_ranges"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_ranges_program_id_id", "outbox_ranges", ("program_id", "id"))
    op.create_table(
        "outbox_consumers",
        sa.Column("name", text(64), nullable=False),
        sa.Column("position", ROW_ID, nullable=False),
        sa.Column("complete_to", ROW_ID, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=present, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_outbox_consumers"),
    )
    op.create_table(
        "outbox_gaps",
        sa.Column("consumer", text(64), nullable=False),
        sa.Column("first_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("last_id", ROW_ID, nullable=False),
        sa.Column("horizon", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "first_id", name="pk_outbox_gaps"),
    )
    op.execute(COPY_WAITING)
    op.execute(ADD_ROLLUPS)
    op.drop_table("click_rollup_queue")
