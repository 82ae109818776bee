"""Rollups by program, partner and link, the queue that fills them, and the indexes of dashboards."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

INDEXES = {
    "affiliate_click_events": (
        ("program_id", "occurred_at", "id"),
        ("program_id", "link_id", "occurred_at", "id"),
        ("program_id", "partner_id", "occurred_at", "id"),
        ("program_id", "customer_id", "occurred_at", "id"),
    ),
    "affiliate_click_test_events": (("program_id", "occurred_at", "id"),),
    "customers": (("program_id", "created_at", "id"), ("program_id", "partner_id", "created_at", "id")),
    "click_rollup_queue": (("folded_at", "program_id", "id"),),
}

WHOSE_TOKENS = (
    "(role = 'admin' AND program_id IS NULL AND partner_id IS NULL)"
    " OR (role = 'program' AND program_id IS NOT NULL AND partner_id IS NULL)"
    " OR (role = 'partner' AND partner_id IS NOT NULL)"
)

# Queues all existing events to be folded, in portions of the size that the aggregator processes at a time.
QUEUE_EVENTS = """
    INSERT INTO click_rollup_queue (program_id, first_id, last_id, clicks)
    SELECT program_id, min(id), max(id), count(*)
    FROM (
        SELECT program_id, id, (row_number() OVER (PARTITION BY program_id ORDER BY id) - 1) / 1000 AS portion
        FROM affiliate_click_events
    ) AS events
    GROUP BY program_id, portion
    ORDER BY program_id, portion
"""


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def allow_partners_tokens_in_one_program() -> None:
    with op.batch_alter_table("api_tokens") as tokens:
        # The first schema added the prefix to its name twice.
        tokens.drop_constraint(op.f("ck_api_tokens_ck_api_tokens_scope"), type_="check")
        tokens.create_check_constraint(op.f("ck_api_tokens_scope"), WHOSE_TOKENS)


def create_rollups() -> None:
    op.drop_table("click_rollups")
    op.create_table(
        "click_rollups",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("level", text(32), nullable=False),
        sa.Column("subject_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("dimension", text(32), nullable=False),
        sa.Column("span_seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket_at", MOMENT, nullable=False),
        sa.Column("value", text(512), nullable=False),
        sa.Column("partner_id", ROW_ID, autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
            for name in ("people", "bots", "customers", "bot_customers")
        ),
        sa.PrimaryKeyConstraint(
            *("program_id", "level", "subject_id", "dimension", "span_seconds", "bucket_at", "value", "partner_id"),
            name="pk_click_rollups",
        ),
        sqlite_with_rowid=False,
    )


def create_queue() -> None:
    op.create_table(
        "click_rollup_queue",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("program_id", ROW_ID, nullable=False),
        sa.Column("first_id", ROW_ID, nullable=False),
        sa.Column("last_id", ROW_ID, nullable=False),
        sa.Column("clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("noted_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("folded_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_click_rollup_queue"),
        sqlite_autoincrement=True,
    )


def upgrade() -> None:
    allow_partners_tokens_in_one_program()
    create_rollups()
    create_queue()
    for table, indexes in INDEXES.items():
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    op.execute(QUEUE_EVENTS)
    if op.get_bind().dialect.name == "sqlite":
        # Timestamps are compared as text, and SQLite's own clock had omitted the fraction of a second.
        for table in ("affiliate_programs", "affiliate_partners", "partner_programs", "referral_links", "api_tokens"):
            op.execute(
                sa.text(
                    f"UPDATE {table} SET created_at = created_at || '.000000' WHERE length(created_at) = 19"  # noqa: S608  fixed names
                )
            )
