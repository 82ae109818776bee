"""What is known of a program's integration: runs of the self-test, and where the tracker was loaded."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "affiliate_test_chains",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("customer_key", text(64), nullable=False),
        sa.Column("short_code", text(64), nullable=False),
        *(sa.Column(name, text(32), nullable=False) for name in ("click", "lead", "sale")),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["affiliate_programs.id"],
            name="fk_affiliate_test_chains_program_id_affiliate_programs",
        ),
        sa.PrimaryKeyConstraint("program_id", "customer_key", name="pk_affiliate_test_chains"),
    )
    op.create_table(
        "tracker_sightings",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("domain", text(255), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"], ["affiliate_programs.id"], name="fk_tracker_sightings_program_id_affiliate_programs"
        ),
        sa.PrimaryKeyConstraint("program_id", name="pk_tracker_sightings"),
    )
