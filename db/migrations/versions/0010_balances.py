"""Partners' balances are read from an index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UNPAID = sa.text("payout_id IS NULL")
COLUMNS = (
    *("program_id", "partner_id", "currency", "hold_until"),
    *("status", "approval", "approved_at", "amount", "clawed_back", "payout_id"),
)


def upgrade() -> None:
    op.drop_index("ix_commissions_unpaid", "commissions")
    op.create_index("ix_commissions_unpaid", "commissions", COLUMNS, sqlite_where=UNPAID, postgresql_where=UNPAID)
