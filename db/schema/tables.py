"""The tables, one mapped class each: the only definition of the schema in the code.

The migrations build them and a test compares the two. The large tables carry `program_id` first in every key, so that
one program's rows lie together and can be sharded by program.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Text,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db.schema.columns import Count, CreatedAt, Moment, RowId, Text32, Text64, Text128, Text255, Text512, Text2048, now


class Base(DeclarativeBase):
    """Names every constraint, so that both databases and the migrations call it the same."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Program(Base):
    """An advertiser's affiliate program; it sets how long a click counts."""

    __tablename__ = "affiliate_programs"
    __table_args__ = (CheckConstraint("cookie_window_days BETWEEN 1 AND 3650", name="cookie_window_days"),)

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[Text255]
    domain: Mapped[Text255 | None]
    cookie_window_days: Mapped[int] = mapped_column(server_default="60")
    version: Mapped[Count] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]


class Partner(Base):
    """Someone who brings visitors, in one program or several."""

    __tablename__ = "affiliate_partners"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[Text255]
    email: Mapped[Text255 | None]
    created_at: Mapped[CreatedAt]


class PartnerProgram(Base):
    """A partner's membership in a program, with its click metrics."""

    __tablename__ = "partner_programs"
    __table_args__ = (CheckConstraint("clicks >= 0", name="clicks"),)

    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id), primary_key=True)
    partner_id: Mapped[RowId] = mapped_column(ForeignKey(Partner.id), primary_key=True, index=True)
    clicks: Mapped[Count]
    last_clicked_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]


class ReferralLink(Base):
    """A code that visitors arrive with. The key to the membership is why a counted click always finds its metrics;
    a link without a partner or a program is a configuration fault, which the endpoint reports."""

    __tablename__ = "referral_links"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        CheckConstraint("length(code) BETWEEN 1 AND 64", name="code"),
        CheckConstraint("status IN ('active', 'inactive')", name="status"),
        CheckConstraint("clicks >= 0", name="clicks"),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    code: Mapped[Text64] = mapped_column(unique=True)
    destination_url: Mapped[Text2048 | None]
    status: Mapped[Text32] = mapped_column(server_default="active")
    program_id: Mapped[RowId | None] = mapped_column(ForeignKey(Program.id), index=True)
    partner_id: Mapped[RowId | None] = mapped_column(ForeignKey(Partner.id), index=True)
    clicks: Mapped[Count]
    last_clicked: Mapped[Moment | None]
    version: Mapped[Count] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]


IS_UPDATED = "updated_at IS NOT NULL"


class Customer(Base):
    """A visitor as downstream calls know it, by `click_id`; partner and link are those of the latest click."""

    __tablename__ = "customers"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index(None, "program_id", "created_at", "id"),
        Index(None, "program_id", "partner_id", "created_at", "id"),
        # Of customers who came back: a new customer, as most clicks make one, would cost a tenth more with it.
        *(
            Index(None, *columns, sqlite_where=text(IS_UPDATED), postgresql_where=text(IS_UPDATED))
            for columns in (("program_id", "updated_at", "id"), ("program_id", "partner_id", "updated_at", "id"))
        ),
        CheckConstraint(r"click_id LIKE 'cust\_' || id || '\_%' ESCAPE '\'", name="click_id"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    click_id: Mapped[Text64]
    customer_status: Mapped[Text32] = mapped_column(server_default="click")
    partner_id: Mapped[RowId]
    link_id: Mapped[RowId] = mapped_column(ForeignKey(ReferralLink.id))
    created_at: Mapped[CreatedAt]
    last_click_at: Mapped[Moment]
    updated_at: Mapped[Moment | None]
    """When anything about the customer last changed; NULL as long as nothing has since it was created."""


class VisitColumns:
    """What is known of one visit: as the visitor's browser said it, then as the server derived it."""

    page_url: Mapped[Text2048 | None]
    page_title: Mapped[Text512 | None]
    referrer_url: Mapped[Text2048 | None]
    referrer_host: Mapped[Text255 | None]
    session_id: Mapped[Text128 | None]
    user_agent: Mapped[Text512 | None]
    screen_resolution: Mapped[Text32 | None]
    viewport_size: Mapped[Text32 | None]
    language: Mapped[Text64 | None]
    timezone: Mapped[Text64 | None]
    existing_click_id: Mapped[Text128 | None]
    event_id: Mapped[Text64 | None]
    additional_data: Mapped[str | None] = mapped_column(Text)
    is_bot: Mapped[bool] = mapped_column(server_default=false())
    device_type: Mapped[Text32 | None]
    device_brand: Mapped[Text64 | None]
    device_model: Mapped[Text128 | None]
    os: Mapped[Text64 | None]
    os_version: Mapped[Text32 | None]
    browser: Mapped[Text64 | None]
    browser_version: Mapped[Text32 | None]
    country: Mapped[Text32 | None]
    region: Mapped[Text128 | None]
    city: Mapped[Text128 | None]
    ip_address: Mapped[Text64 | None]


class ClickEvent(VisitColumns, Base):
    """One recorded click. Append-only."""

    __tablename__ = "affiliate_click_events"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        ForeignKeyConstraint(["program_id", "customer_id"], [Customer.program_id, Customer.id]),
        Index(
            "uq_affiliate_click_events_event_id",
            "program_id",
            "event_id",
            unique=True,
            sqlite_where=text("event_id IS NOT NULL"),
            postgresql_where=text("event_id IS NOT NULL"),
        ),
        Index(None, "program_id", "occurred_at", "id"),
        Index(None, "program_id", "link_id", "occurred_at", "id"),
        Index(None, "program_id", "partner_id", "occurred_at", "id"),
        Index(None, "program_id", "customer_id", "occurred_at", "id"),
        CheckConstraint("length(event_id) BETWEEN 1 AND 64", name="event_id"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    link_id: Mapped[RowId] = mapped_column(ForeignKey(ReferralLink.id))
    partner_id: Mapped[RowId]
    customer_id: Mapped[RowId]
    click_id: Mapped[Text64]
    occurred_at: Mapped[Moment]
    affiliate_url: Mapped[str] = mapped_column(Text)


class ClickTestEvent(VisitColumns, Base):
    """A click sent in test mode, apart from the real ones, so that nothing that counts can see it."""

    __tablename__ = "affiliate_click_test_events"
    __table_args__ = (Index(None, "program_id", "occurred_at", "id"),)

    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    program_id: Mapped[RowId | None] = mapped_column(ForeignKey(Program.id))
    occurred_at: Mapped[Moment]
    affiliate_url: Mapped[str | None] = mapped_column(Text)


class ClickRollup(Base):
    """How many clicks one subject (a program, a partner in it, a link) had in one span of time, by one value of one
    dimension; reports read these.

    No foreign keys: the table is derived from the events, which have them, and the subjects are of three kinds.
    `partner_id` is 0 where a row sums up all partners of a program, so that no partner's view can contain it.
    """

    __tablename__ = "click_rollups"
    # Rows lie in the order of their key, in which reports read them; the other database has no such choice.
    __table_args__ = ({"sqlite_with_rowid": False},)

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[Text32] = mapped_column(primary_key=True)
    subject_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    dimension: Mapped[Text32] = mapped_column(primary_key=True)
    span_seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bucket_at: Mapped[Moment] = mapped_column(primary_key=True)
    value: Mapped[Text512] = mapped_column(primary_key=True)
    partner_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    people: Mapped[Count]
    bots: Mapped[Count]
    customers: Mapped[Count]
    """Created by people's clicks."""
    bot_customers: Mapped[Count]
    """Created by bots' clicks."""


class QueuedClicks(Base):
    """Events that one transaction recorded in one program, a range of ids, to be added to the rollups. They are in
    there once `folded_at` is set; a row stays a while longer, for those who watch the end of this table."""

    __tablename__ = "click_rollup_queue"
    __table_args__ = (
        Index(None, "folded_at", "program_id", "id"),
        # An id is never given twice, even after all rows are deleted.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    program_id: Mapped[RowId]
    first_id: Mapped[RowId]
    last_id: Mapped[RowId]
    clicks: Mapped[Count]
    noted_at: Mapped[Moment] = mapped_column(server_default=now())
    folded_at: Mapped[Moment | None]


class ApiToken(Base):
    """A credential, kept as its hash. A role goes with the program or the partner that it is bound to; a partner's may
    be confined to one program."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint(
            "(role = 'admin' AND program_id IS NULL AND partner_id IS NULL)"
            " OR (role = 'program' AND program_id IS NOT NULL AND partner_id IS NULL)"
            " OR (role = 'partner' AND partner_id IS NOT NULL)",
            name="scope",
        ),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    token_hash: Mapped[Text64] = mapped_column(unique=True)
    role: Mapped[Text32]
    program_id: Mapped[RowId | None] = mapped_column(ForeignKey(Program.id))
    partner_id: Mapped[RowId | None] = mapped_column(ForeignKey(Partner.id))
    label: Mapped[Text255 | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]


class IdBlock(Base):
    """Where the next block of ids of one kind begins. A gateway takes a block at a time; skipped ids stay unused."""

    __tablename__ = "id_blocks"

    name: Mapped[Text32] = mapped_column(primary_key=True)
    next_id: Mapped[int] = mapped_column(BigInteger, server_default="1")


class RunningWriter(Base):
    """A process that records clicks on PostgreSQL, and what it promises to those who follow them: it commits no event
    of before `occurred_from` any more, nor one with an id below `first_event_id`. A process that does not renew its row
    is taken for dead, and the row removed; the row with the id 0 keeps the latest promise of removed ones."""

    __tablename__ = "click_writers"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    occurred_from: Mapped[Moment]
    first_event_id: Mapped[RowId]
    refreshed_at: Mapped[Moment] = mapped_column(server_default=now())


class DirectoryVersion(Base):
    """One row that every change of a link or a program counts up, under its lock: versions become visible in order,
    so a reader that asks for what is newer than it knows misses nothing. Clicks never touch it."""

    __tablename__ = "link_directory_version"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Count]
    reload_version: Mapped[Count]
