"""What a click is described by: campaign parameters, the partner's own tags and the landing page.

Clicks that are stored already get them in the background, see `db.backfill`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
FIELDS = (
    "landing_page",
    *(f"utm_{name}" for name in ("source", "medium", "campaign", "term", "content")),
    *(f"sub{number}" for number in range(1, 6)),
)
# Reads one entry of the primary key's index for each program, and counters instead of events.
ADD_PROGRAMS = """
    INSERT INTO click_backfills (program_id, filled_to, last_id, clicks_left)
    SELECT program_id, 0, last_id, clicks FROM (
        SELECT
            id AS program_id,
            (SELECT max(event.id) FROM affiliate_click_events event WHERE event.program_id = program.id) AS last_id,
            (SELECT coalesce(sum(clicks), 0) FROM partner_programs WHERE program_id = program.id) AS clicks
        FROM affiliate_programs program
    ) recorded WHERE last_id IS NOT NULL
"""


def upgrade() -> None:
    for table in ("affiliate_click_events", "affiliate_click_test_events"):
        for field in FIELDS:
            op.add_column(table, sa.Column(field, TEXT, nullable=True))
    op.create_table(
        "click_backfills",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("filled_to", ROW_ID, nullable=False),
        sa.Column("last_id", ROW_ID, nullable=False),
        sa.Column("clicks_left", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"], ["affiliate_programs.id"], name="fk_click_backfills_program_id_affiliate_programs"
        ),
        sa.PrimaryKeyConstraint("program_id", name="pk_click_backfills"),
    )
    op.execute(ADD_PROGRAMS)
