"""The table of running writers and the customers' `updated_at`, which clients that follow lists need."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NOW = {
    "postgresql": "now()",
    "sqlite": "(CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000)",
}
IS_UPDATED = "updated_at IS NOT NULL"
INDEXES = (("program_id", "updated_at", "id"), ("program_id", "partner_id", "updated_at", "id"))

# A returning customer changed with that click at the latest.
FILL = "UPDATE customers SET updated_at = {later}(created_at, last_click_at) WHERE last_click_at <> created_at"
# Followers may have seen any existing event.
PROMISED = """
    INSERT INTO click_writers (id, occurred_from, first_event_id)
    SELECT 0, greatest(now(), max(last_clicked_at) + interval '1 microsecond'), 0 FROM partner_programs
"""


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.create_table(
        "click_writers",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("occurred_from", MOMENT, nullable=False),
        sa.Column("first_event_id", ROW_ID, nullable=False),
        sa.Column("refreshed_at", MOMENT, server_default=sa.text(NOW[dialect]), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_click_writers"),
    )
    if dialect == "postgresql":
        op.execute(PROMISED)
    op.add_column("customers", sa.Column("updated_at", MOMENT, nullable=True))
    op.execute(FILL.format(later="greatest" if dialect == "postgresql" else "max"))
    for columns in INDEXES:
        op.create_index(
            f"ix_customers_{'_'.join(columns)}",
            *("customers", columns),
            sqlite_where=sa.text(IS_UPDATED),
            postgresql_where=sa.text(IS_UPDATED),
        )
