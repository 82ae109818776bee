"""Leads, sales, refunds and commissions: their tables, and what programs, partners, links and customers know of them.

The columns that large tables gain are null or have a constant default, so that no table is rewritten.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NOW = {
    "postgresql": "now()",
    "sqlite": "(CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000)",
}
BLOCKS = ("leads", "sales", "refunds", "commissions", "conversion_test_events")
ROLE_SCOPES = (
    "(role = 'admin' AND program_id IS NULL AND partner_id IS NULL)"
    " OR (role IN ('program', 'tracking') AND program_id IS NOT NULL AND partner_id IS NULL)"
    " OR (role = 'partner' AND partner_id IS NOT NULL)"
)
# Alembic would copy the table on SQLite to add the constraint, and lose its triggers.
ADD_LEAD_AUTH = """
    ALTER TABLE affiliate_programs ADD COLUMN lead_auth VARCHAR(32){collation} DEFAULT 'browser' NOT NULL
    CONSTRAINT ck_affiliate_programs_lead_auth CHECK (lead_auth IN ('browser', 'server'))
"""


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def index(name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def add_columns() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.add_column("affiliate_programs", sa.Column("currency", text(3), server_default="USD", nullable=False))
    op.execute(ADD_LEAD_AUTH.format(collation=' COLLATE "C"' if is_postgresql else ""))
    for table in ("partner_programs", "referral_links"):
        for name in ("leads", "sales"):
            op.add_column(table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    for column in (
        sa.Column("customer_key", text(255), nullable=True),
        sa.Column("email_digest", text(64), nullable=True),
        sa.Column("email_mask", text(255), nullable=True),
        sa.Column("bound_at", MOMENT, nullable=True),
        sa.Column("bound_event_id", ROW_ID, nullable=True),
        sa.Column("lead_at", MOMENT, nullable=True),
        sa.Column("converted_at", MOMENT, nullable=True),
    ):
        op.add_column("customers", column)
    key = ["program_id", "customer_key"]
    index("uq_customers_customer_key", "customers", key, unique=True, where="customer_key IS NOT NULL")


def allow_tracking_tokens() -> None:
    with op.batch_alter_table("api_tokens") as tokens:
        tokens.drop_constraint(op.f("ck_api_tokens_scope"), type_="check")
        tokens.create_check_constraint(op.f("ck_api_tokens_scope"), ROLE_SCOPES)


def create_rules() -> None:
    present = sa.text(NOW[op.get_bind().dialect.name])
    op.create_table(
        "commission_rules",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("program_id", ROW_ID, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=True),
        sa.Column("product_id", text(255), nullable=True),
        sa.Column("event", text(32), nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", text(3), nullable=True),
        sa.Column("duration_months", sa.Integer(), nullable=True),
        sa.Column("hold_days", sa.Integer(), server_default="15", nullable=False),
        sa.Column("approval", text(32), server_default="auto", nullable=False),
        sa.Column("effective_from", MOMENT, nullable=False),
        sa.Column("effective_to", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=present, nullable=False),
        sa.CheckConstraint("approval IN ('auto', 'manual')", name=op.f("ck_commission_rules_approval")),
        sa.CheckConstraint("duration_months >= 0", name=op.f("ck_commission_rules_duration_months")),
        sa.CheckConstraint("event IN ('sale', 'lead')", name=op.f("ck_commission_rules_event")),
        sa.CheckConstraint("hold_days BETWEEN 0 AND 365", name=op.f("ck_commission_rules_hold_days")),
        sa.CheckConstraint(
            "(kind = 'percent' AND basis_points BETWEEN 0 AND 10000 AND amount IS NULL AND currency IS NULL)"
            " OR (kind = 'fixed' AND basis_points IS NULL AND amount >= 0 AND currency IS NOT NULL)",
            name=op.f("ck_commission_rules_kind"),
        ),
        sa.CheckConstraint("event = 'sale' OR kind = 'fixed'", name=op.f("ck_commission_rules_lead")),
        sa.ForeignKeyConstraint(["program_id"], ["affiliate_programs.id"], name="fk_commission_rules_program_id"),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_commission_rules_program_id_partner_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_commission_rules"),
    )
    index(
        "ix_commission_rules_program_id_event_effective_from",
        "commission_rules",
        ["program_id", "event", "effective_from"],
    )


def create_leads() -> None:
    op.create_table(
        "affiliate_lead_events",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("customer_id", ROW_ID, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=True),
        sa.Column("link_id", ROW_ID, nullable=True),
        sa.Column("click_event_id", ROW_ID, nullable=True),
        sa.Column("event_name", text(255), nullable=False),
        sa.Column("session_id", text(255), nullable=True),
        sa.Column("page_url", sa.Text(), nullable=True),
        sa.Column("additional_data", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (partner_id IS NULL)", name=op.f("ck_affiliate_lead_events_confirmed")
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "customer_id"],
            ["customers.program_id", "customers.id"],
            name="fk_affiliate_lead_events_program_id_customer_id",
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_affiliate_lead_events_program_id_partner_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name="pk_affiliate_lead_events"),
    )
    index(
        "ix_affiliate_lead_events_program_id_created_at_id",
        "affiliate_lead_events",
        ["program_id", "created_at", "id"],
    )
    index(
        "ix_affiliate_lead_events_program_id_customer_id_created_at_id",
        "affiliate_lead_events",
        ["program_id", "customer_id", "created_at", "id"],
    )
    index(
        "ix_affiliate_lead_events_program_id_link_id_created_at_id",
        "affiliate_lead_events",
        ["program_id", "link_id", "created_at", "id"],
    )
    index(
        "ix_affiliate_lead_events_program_id_partner_id_created_at_id",
        "affiliate_lead_events",
        ["program_id", "partner_id", "created_at", "id"],
    )
    index(
        "ix_affiliate_lead_events_provisional",
        "affiliate_lead_events",
        ["program_id", "customer_id", "id"],
        where="confirmed_at IS NULL",
    )
    index(
        "uq_affiliate_lead_events_event_name",
        "affiliate_lead_events",
        ["program_id", "customer_id", "event_name"],
        unique=True,
    )


def create_sales_and_refunds() -> None:
    op.create_table(
        "affiliate_sales",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("customer_id", ROW_ID, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("link_id", ROW_ID, nullable=False),
        sa.Column("click_event_id", ROW_ID, nullable=False),
        sa.Column("transaction_id", text(255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sale_type", text(32), nullable=False),
        sa.Column("is_recurring", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("subscription_id", text(255), nullable=True),
        sa.Column("subscription_interval", text(32), nullable=True),
        sa.Column("product_id", text(255), nullable=True),
        sa.Column("line_items", sa.Text(), nullable=True),
        sa.Column("additional_data", sa.Text(), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_affiliate_sales_amount")),
        sa.CheckConstraint("refunded BETWEEN 0 AND amount", name=op.f("ck_affiliate_sales_refunded")),
        sa.ForeignKeyConstraint(
            ["program_id", "customer_id"],
            ["customers.program_id", "customers.id"],
            name="fk_affiliate_sales_program_id_customer_id",
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_affiliate_sales_program_id_partner_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name="pk_affiliate_sales"),
    )
    index(
        "ix_affiliate_sales_program_id_customer_id_occurred_at_id",
        "affiliate_sales",
        ["program_id", "customer_id", "occurred_at", "id"],
    )
    index(
        "ix_affiliate_sales_program_id_link_id_occurred_at_id",
        "affiliate_sales",
        ["program_id", "link_id", "occurred_at", "id"],
    )
    index("ix_affiliate_sales_program_id_occurred_at_id", "affiliate_sales", ["program_id", "occurred_at", "id"])
    index(
        "ix_affiliate_sales_program_id_partner_id_occurred_at_id",
        "affiliate_sales",
        ["program_id", "partner_id", "occurred_at", "id"],
    )
    index("uq_affiliate_sales_transaction_id", "affiliate_sales", ["program_id", "transaction_id"], unique=True)
    op.create_table(
        "affiliate_refunds",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("sale_id", ROW_ID, nullable=False),
        sa.Column("customer_id", ROW_ID, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("link_id", ROW_ID, nullable=False),
        sa.Column("commission_id", ROW_ID, nullable=True),
        sa.Column("refund_id", text(255), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("clawback", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("status", text(32), nullable=False),
        sa.Column("payout_id", ROW_ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_affiliate_refunds_amount")),
        sa.CheckConstraint("clawback >= 0", name=op.f("ck_affiliate_refunds_clawback")),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_affiliate_refunds_program_id_partner_id",
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "sale_id"],
            ["affiliate_sales.program_id", "affiliate_sales.id"],
            name="fk_affiliate_refunds_program_id_sale_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name="pk_affiliate_refunds"),
    )
    index("ix_affiliate_refunds_program_id_created_at_id", "affiliate_refunds", ["program_id", "created_at", "id"])
    index(
        "ix_affiliate_refunds_program_id_partner_id_created_at_id",
        "affiliate_refunds",
        ["program_id", "partner_id", "created_at", "id"],
    )
    index(
        "ix_affiliate_refunds_settled",
        "affiliate_refunds",
        ["program_id", "payout_id", "created_at", "id"],
        where="payout_id IS NOT NULL",
    )
    for column in ("link_id", "customer_id"):
        index(
            f"ix_affiliate_refunds_program_id_{column}_created_at_id",
            "affiliate_refunds",
            ["program_id", column, "created_at", "id"],
        )
    index(
        "ix_affiliate_refunds_program_id_sale_id_created_at_id",
        "affiliate_refunds",
        ["program_id", "sale_id", "created_at", "id"],
    )
    index(
        "uq_affiliate_refunds_refund_id",
        "affiliate_refunds",
        ["program_id", "sale_id", "refund_id"],
        unique=True,
        where="refund_id IS NOT NULL",
    )


def create_test_events() -> None:
    op.create_table(
        "affiliate_conversion_test_events",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("program_id", ROW_ID, nullable=True),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_affiliate_conversion_test_events"),
    )
    index(
        "ix_affiliate_conversion_test_events_program_id_created_at_id",
        "affiliate_conversion_test_events",
        ["program_id", "created_at", "id"],
    )


def create_commissions() -> None:
    op.create_table(
        "commissions",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("link_id", ROW_ID, nullable=False),
        sa.Column("customer_id", ROW_ID, nullable=False),
        sa.Column("sale_id", ROW_ID, nullable=True),
        sa.Column("lead_id", ROW_ID, nullable=True),
        sa.Column("rule_id", ROW_ID, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("clawed_back", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status", text(32), server_default="pending", nullable=False),
        sa.Column("approval", text(32), nullable=False),
        sa.Column("hold_until", MOMENT, nullable=False),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("rejected_reason", text(255), nullable=True),
        sa.Column("payout_id", ROW_ID, nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_commissions_amount")),
        sa.CheckConstraint("clawed_back BETWEEN 0 AND amount", name=op.f("ck_commissions_clawed_back")),
        sa.CheckConstraint("(sale_id IS NULL) <> (lead_id IS NULL)", name=op.f("ck_commissions_earned_by")),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected', 'paid', 'reversed')", name=op.f("ck_commissions_status")
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "customer_id"],
            ["customers.program_id", "customers.id"],
            name="fk_commissions_program_id_customer_id",
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_commissions_program_id_partner_id",
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["commission_rules.id"], name="fk_commissions_rule_id"),
        sa.PrimaryKeyConstraint("program_id", "id", name="pk_commissions"),
    )
    index(
        "ix_commissions_program_id_customer_id_occurred_at_id",
        "commissions",
        ["program_id", "customer_id", "occurred_at", "id"],
    )
    index(
        "ix_commissions_program_id_link_id_occurred_at_id",
        "commissions",
        ["program_id", "link_id", "occurred_at", "id"],
    )
    index("ix_commissions_program_id_occurred_at_id", "commissions", ["program_id", "occurred_at", "id"])
    index(
        "ix_commissions_program_id_partner_id_occurred_at_id",
        "commissions",
        ["program_id", "partner_id", "occurred_at", "id"],
    )
    index(
        "ix_commissions_unpaid",
        "commissions",
        ["program_id", "partner_id", "currency", "hold_until"],
        where="payout_id IS NULL",
    )
    index(
        "ix_commissions_paid",
        "commissions",
        ["program_id", "payout_id", "occurred_at", "id"],
        where="payout_id IS NOT NULL",
    )
    index("uq_commissions_lead_id", "commissions", ["program_id", "lead_id"], unique=True)
    index("uq_commissions_sale_id", "commissions", ["program_id", "sale_id"], unique=True)


def create_payouts_and_sums() -> None:
    present = sa.text(NOW[op.get_bind().dialect.name])
    op.create_table(
        "payouts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("program_id", ROW_ID, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("up_to", MOMENT, nullable=False),
        sa.Column("note", text(255), nullable=True),
        sa.Column("created_at", MOMENT, server_default=present, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payouts_amount")),
        sa.ForeignKeyConstraint(["program_id"], ["affiliate_programs.id"], name="fk_payouts_program_id"),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_payouts_program_id_partner_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payouts"),
    )
    index("ix_payouts_program_id_partner_id_created_at_id", "payouts", ["program_id", "partner_id", "created_at", "id"])
    op.create_table(
        "conversion_sums",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("partner_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("link_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("revenue", sa.BigInteger()),
        sa.Column("earnings", sa.BigInteger()),
        sa.ForeignKeyConstraint(["link_id"], ["referral_links.id"], name="fk_conversion_sums_link_id"),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_conversion_sums_program_id_partner_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "partner_id", "link_id", "currency", name="pk_conversion_sums"),
    )
    index("ix_conversion_sums_link_id", "conversion_sums", ["link_id"])


def upgrade() -> None:
    add_columns()
    allow_tracking_tokens()
    create_rules()
    create_leads()
    create_sales_and_refunds()
    create_test_events()
    create_commissions()
    create_payouts_and_sums()
    for name in BLOCKS:
        op.execute(sa.text("INSERT INTO id_blocks (name) VALUES (:name)").bindparams(name=name))
