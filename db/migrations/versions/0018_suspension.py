"""When a partner was suspended in a program. Like changes of links, changes of this reach running gateways by a version
of the link directory."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")

# PostgreSQL has the functions since the first schema.
POSTGRESQL_TRIGGERS = (
    """CREATE TRIGGER partner_programs_stamp BEFORE INSERT OR UPDATE OF suspended_at ON partner_programs
    FOR EACH ROW EXECUTE FUNCTION stamp_directory_version()""",
    """CREATE TRIGGER partner_programs_reload AFTER DELETE ON partner_programs
    FOR EACH STATEMENT EXECUTE FUNCTION reload_directory()""",
)
SQLITE_STAMP = """BEGIN
        UPDATE link_directory_version SET version = version + 1;
        UPDATE partner_programs SET version = (SELECT version FROM link_directory_version)
        WHERE program_id = NEW.program_id AND partner_id = NEW.partner_id;
    END"""
SQLITE_TRIGGERS = (
    "CREATE TRIGGER partner_programs_stamp_insert AFTER INSERT ON partner_programs " + SQLITE_STAMP,
    "CREATE TRIGGER partner_programs_stamp_update AFTER UPDATE OF suspended_at ON partner_programs " + SQLITE_STAMP,
    """CREATE TRIGGER partner_programs_reload AFTER DELETE ON partner_programs BEGIN
        UPDATE link_directory_version SET version = version + 1, reload_version = version + 1;
    END""",
)


def upgrade() -> None:
    op.add_column("partner_programs", sa.Column("suspended_at", MOMENT, nullable=True))
    op.add_column("partner_programs", sa.Column("version", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("ix_partner_programs_version", "partner_programs", ["version"])
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for trigger in POSTGRESQL_TRIGGERS if is_postgresql else SQLITE_TRIGGERS:
        op.execute(trigger)
