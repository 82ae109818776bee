"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def visit_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("page_url", text(2048), nullable=True),
        sa.Column("page_title", text(512), nullable=True),
        sa.Column("referrer_url", text(2048), nullable=True),
        sa.Column("referrer_host", text(255), nullable=True),
        sa.Column("session_id", text(128), nullable=True),
        sa.Column("user_agent", text(512), nullable=True),
        sa.Column("screen_resolution", text(32), nullable=True),
        sa.Column("viewport_size", text(32), nullable=True),
        sa.Column("language", text(64), nullable=True),
        sa.Column("timezone", text(64), nullable=True),
        sa.Column("existing_click_id", text(128), nullable=True),
        sa.Column("event_id", text(64), nullable=True),
        sa.Column("additional_data", sa.Text(), nullable=True),
        sa.Column("is_bot", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("device_type", text(32), nullable=True),
        sa.Column("device_brand", text(64), nullable=True),
        sa.Column("device_model", text(128), nullable=True),
        sa.Column("os", text(64), nullable=True),
        sa.Column("os_version", text(32), nullable=True),
        sa.Column("browser", text(64), nullable=True),
        sa.Column("browser_version", text(32), nullable=True),
        sa.Column("country", text(32), nullable=True),
        sa.Column("region", text(128), nullable=True),
        sa.Column("city", text(128), nullable=True),
        sa.Column("ip_address", text(64), nullable=True),
    ]


# The columns whose changes get a new version of the link directory. Triggers assign it, so that a change made in a SQL
# shell reaches the running gateways too. Columns that clicks write are not listed.
STAMPED = {
    "affiliate_programs": "cookie_window_days",
    "referral_links": "code, status, program_id, partner_id",
}

# One version per transaction: incrementing it for each of a million imported links would take hours, since PostgreSQL
# keeps all of the row's versions until the commit.
POSTGRESQL_FUNCTIONS = (
    """CREATE FUNCTION stamp_directory_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT version INTO NEW.version FROM link_directory_version WHERE xmin = pg_current_xact_id()::xid;
        IF NOT FOUND THEN
            UPDATE link_directory_version SET version = version + 1 RETURNING version INTO NEW.version;
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE FUNCTION reload_directory() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE link_directory_version SET version = version + 1, reload_version = version + 1;
        RETURN NULL;
    END $$""",
)
POSTGRESQL_TRIGGERS = (
    """CREATE TRIGGER {table}_stamp BEFORE INSERT OR UPDATE OF {columns} ON {table}
    FOR EACH ROW EXECUTE FUNCTION stamp_directory_version()""",
    """CREATE TRIGGER {table}_reload AFTER DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION reload_directory()""",
)
SQLITE_STAMP = """BEGIN
        UPDATE link_directory_version SET version = version + 1;
        UPDATE {table} SET version = (SELECT version FROM link_directory_version) WHERE id = NEW.id;
    END"""
SQLITE_TRIGGERS = (
    "CREATE TRIGGER {table}_stamp_insert AFTER INSERT ON {table} " + SQLITE_STAMP,
    "CREATE TRIGGER {table}_stamp_update AFTER UPDATE OF {columns} ON {table} " + SQLITE_STAMP,
    """CREATE TRIGGER {table}_reload AFTER DELETE ON {table} BEGIN
        UPDATE link_directory_version SET version = version + 1, reload_version = version + 1;
    END""",
)


def create_triggers() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for function in POSTGRESQL_FUNCTIONS if postgresql else ():
        op.execute(function)
    for table, columns in STAMPED.items():
        for trigger in POSTGRESQL_TRIGGERS if postgresql else SQLITE_TRIGGERS:
            op.execute(trigger.format(table=table, columns=columns))


def upgrade() -> None:
    op.create_table(
        "affiliate_partners",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("email", text(255), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_affiliate_partners"),
    )
    op.create_table(
        "affiliate_programs",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("domain", text(255), nullable=True),
        sa.Column("cookie_window_days", sa.Integer(), server_default="60", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("cookie_window_days BETWEEN 1 AND 3650", name="ck_affiliate_programs_cookie_window_days"),
        sa.PrimaryKeyConstraint("id", name="pk_affiliate_programs"),
    )
    op.create_index("ix_affiliate_programs_version", "affiliate_programs", ["version"])

    op.create_table(
        "id_blocks",
        sa.Column("name", text(32), nullable=False),
        sa.Column("next_id", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_id_blocks"),
    )
    op.create_table(
        "link_directory_version",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reload_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("id = 1", name="ck_link_directory_version_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_link_directory_version"),
    )
    op.create_table(
        "affiliate_click_test_events",
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("program_id", ROW_ID, nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("affiliate_url", sa.Text(), nullable=True),
        *visit_columns(),
        sa.ForeignKeyConstraint(
            ["program_id"], ["affiliate_programs.id"], name="fk_affiliate_click_test_events_program_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_affiliate_click_test_events"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("token_hash", text(64), nullable=False),
        sa.Column("role", text(32), nullable=False),
        sa.Column("program_id", ROW_ID, nullable=True),
        sa.Column("partner_id", ROW_ID, nullable=True),
        sa.Column("label", text(255), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(role = 'admin' AND program_id IS NULL AND partner_id IS NULL)"
            " OR (role = 'program' AND program_id IS NOT NULL AND partner_id IS NULL)"
            " OR (role = 'partner' AND program_id IS NULL AND partner_id IS NOT NULL)",
            name="ck_api_tokens_scope",
        ),
        sa.ForeignKeyConstraint(["partner_id"], ["affiliate_partners.id"], name="fk_api_tokens_partner_id"),
        sa.ForeignKeyConstraint(["program_id"], ["affiliate_programs.id"], name="fk_api_tokens_program_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
    )
    op.create_table(
        "partner_programs",
        sa.Column("program_id", ROW_ID, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_clicked_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("clicks >= 0", name="ck_partner_programs_clicks"),
        sa.ForeignKeyConstraint(["partner_id"], ["affiliate_partners.id"], name="fk_partner_programs_partner_id"),
        sa.ForeignKeyConstraint(["program_id"], ["affiliate_programs.id"], name="fk_partner_programs_program_id"),
        sa.PrimaryKeyConstraint("program_id", "partner_id", name="pk_partner_programs"),
    )
    op.create_index("ix_partner_programs_partner_id", "partner_programs", ["partner_id"])

    op.create_table(
        "referral_links",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("code", text(64), nullable=False),
        sa.Column("destination_url", text(2048), nullable=True),
        sa.Column("status", text(32), server_default="active", nullable=False),
        sa.Column("program_id", ROW_ID, nullable=True),
        sa.Column("partner_id", ROW_ID, nullable=True),
        sa.Column("clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_clicked", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name="ck_referral_links_status"),
        sa.CheckConstraint("clicks >= 0", name="ck_referral_links_clicks"),
        sa.CheckConstraint("length(code) BETWEEN 1 AND 64", name="ck_referral_links_code"),
        sa.ForeignKeyConstraint(["partner_id"], ["affiliate_partners.id"], name="fk_referral_links_partner_id"),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_referral_links_program_id_partner_id",
        ),
        sa.ForeignKeyConstraint(["program_id"], ["affiliate_programs.id"], name="fk_referral_links_program_id"),
        sa.PrimaryKeyConstraint("id", name="pk_referral_links"),
        sa.UniqueConstraint("code", name="uq_referral_links_code"),
    )
    op.create_index("ix_referral_links_partner_id", "referral_links", ["partner_id"])
    op.create_index("ix_referral_links_program_id", "referral_links", ["program_id"])
    op.create_index("ix_referral_links_version", "referral_links", ["version"])

    op.create_table(
        "click_rollups",
        sa.Column("program_id", ROW_ID, nullable=False),
        sa.Column("link_id", ROW_ID, nullable=False),
        sa.Column("dimension", text(32), nullable=False),
        sa.Column("bucket_at", MOMENT, nullable=False),
        sa.Column("value", text(512), nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("people", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bots", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("customers", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["referral_links.id"], name="fk_click_rollups_link_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["affiliate_partners.id"], name="fk_click_rollups_partner_id"),
        sa.ForeignKeyConstraint(["program_id"], ["affiliate_programs.id"], name="fk_click_rollups_program_id"),
        sa.PrimaryKeyConstraint(
            "program_id", "link_id", "dimension", "bucket_at", "value", "partner_id", name="pk_click_rollups"
        ),
    )
    op.create_table(
        "customers",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("click_id", text(64), nullable=False),
        sa.Column("customer_status", text(32), server_default="click", nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("link_id", ROW_ID, nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("last_click_at", MOMENT, nullable=False),
        sa.CheckConstraint("click_id LIKE 'cust\\_' || id || '\\_%' ESCAPE '\\'", name="ck_customers_click_id"),
        sa.ForeignKeyConstraint(["link_id"], ["referral_links.id"], name="fk_customers_link_id"),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_customers_program_id_partner_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name="pk_customers"),
    )
    op.create_table(
        "affiliate_click_events",
        sa.Column("program_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("link_id", ROW_ID, nullable=False),
        sa.Column("partner_id", ROW_ID, nullable=False),
        sa.Column("customer_id", ROW_ID, nullable=False),
        sa.Column("click_id", text(64), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("affiliate_url", sa.Text(), nullable=False),
        *visit_columns(),
        sa.CheckConstraint("length(event_id) BETWEEN 1 AND 64", name="ck_affiliate_click_events_event_id"),
        sa.ForeignKeyConstraint(["link_id"], ["referral_links.id"], name="fk_affiliate_click_events_link_id"),
        sa.ForeignKeyConstraint(
            ["program_id", "customer_id"],
            ["customers.program_id", "customers.id"],
            name="fk_affiliate_click_events_program_id_customer_id",
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "partner_id"],
            ["partner_programs.program_id", "partner_programs.partner_id"],
            name="fk_affiliate_click_events_program_id_partner_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name="pk_affiliate_click_events"),
    )
    op.create_index(
        "uq_affiliate_click_events_event_id",
        "affiliate_click_events",
        ["program_id", "event_id"],
        unique=True,
        sqlite_where=sa.text("event_id IS NOT NULL"),
        postgresql_where=sa.text("event_id IS NOT NULL"),
    )

    # `probe` is for the readiness probe, whose writes must not block others.
    for name in ("customers", "click_events", "click_test_events", "probe"):
        op.execute(sa.text("INSERT INTO id_blocks (name) VALUES (:name)").bindparams(name=name))
    op.execute("INSERT INTO link_directory_version (id) VALUES (1)")
    create_triggers()
