"""What a click is described by: campaign parameters, the partner's own tags and the landing page."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
FIELDS = (
    "landing_page",
    *(f"utm_{name}" for name in ("source", "medium", "campaign", "term", "content")),
    *(f"sub{number}" for number in range(1, 6)),
)


def upgrade() -> None:
    for table in ("affiliate_click_events", "affiliate_click_test_events"):
        for field in FIELDS:
            op.add_column(table, sa.Column(field, TEXT, nullable=True))
