"""The hosts that load the tracker instead of a single domain, and codes that no link has."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def program_of(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_program_id_affiliate_programs"
    return sa.ForeignKeyConstraint(["program_id"], ["affiliate_programs.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "tracker_sites",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.Column("domain", text(255), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        program_of("tracker_sites"),
        sa.PrimaryKeyConstraint("program_id", "host", name="pk_tracker_sites"),
    )
    op.execute(
        "INSERT INTO tracker_sites (program_id, host, domain, seen_at) "
        "SELECT program_id, domain, domain, seen_at FROM tracker_sightings"
    )
    op.drop_table("tracker_sightings")
    op.create_table(
        "unknown_codes",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("code", text(64), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("last_page", text(255), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        program_of("unknown_codes"),
        sa.PrimaryKeyConstraint("program_id", "code", name="pk_unknown_codes"),
    )
