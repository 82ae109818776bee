"""One row of conversion rollups for people's and bots' clicks, in place of two: reports read half as many."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
TABLE, OLD = "conversion_rollups", "conversion_rollups_of_either"
KEY = ("program_id", "level", "subject_id", "dimension", "span_seconds", "bucket_at", "value", "partner_id", "currency")
SUMS = ("leads", "sales", "revenue", "earnings")


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def row_id(name: str) -> "sa.Column[int]":
    return sa.Column(name, ROW_ID, autoincrement=False, nullable=False)


def upgrade() -> None:
    # The key of the new table has the old one's name, which SQLite allows and PostgreSQL does not.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_{TABLE} RENAME TO pk_{OLD}")
    op.rename_table(TABLE, OLD)
    op.create_table(
        TABLE,
        row_id("program_id"),
        sa.Column("level", text(32), nullable=False),
        row_id("subject_id"),
        sa.Column("dimension", text(32), nullable=False),
        sa.Column("span_seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket_at", MOMENT, nullable=False),
        sa.Column("value", text(512), nullable=False),
        row_id("partner_id"),
        sa.Column("currency", text(3), nullable=False),
        *(
            sa.Column(f"{of}{name}", sa.BigInteger(), server_default="0", nullable=False)
            for of in ("", "bot_")
            for name in SUMS
        ),
        sa.PrimaryKeyConstraint(*KEY, name=f"pk_{TABLE}"),
        sqlite_with_rowid=False,
    )
    key, sums = ", ".join(KEY), ", ".join((*SUMS, *(f"bot_{name}" for name in SUMS)))
    kinds = ", ".join(
        f"coalesce(sum({name}) FILTER (WHERE {condition}), 0)"
        for condition in ("NOT is_bot", "is_bot")
        for name in SUMS
    )
    found = f"SELECT {key}, {kinds} FROM {OLD} GROUP BY {key}"  # noqa: S608  fixed names
    op.execute(f"INSERT INTO {TABLE} ({key}, {sums}) {found}")
    op.drop_table(OLD)
