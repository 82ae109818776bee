"""The entities of memberships and of referral links, which count clicks and conversions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.orm import aliased

from db.schema.columns import UtcDateTime
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from graph.query.cluster_rows import RowOfProgram
from graph.query.commission_entities import agreements
from graph.query.conditions import BY_IDS, by_key, contains, equals, starts_with
from graph.query.conversion_entities import conversions
from graph.query.conversion_sums import (
    BALANCE,
    COUNTERS,
    EARNINGS_OF_LINK,
    EARNINGS_OF_MEMBER,
    PAID_OUT,
    PENDING,
    REVENUE_OF_LINK,
    REVENUE_OF_MEMBER,
    is_owed,
    is_owed_on_cluster,
)
from graph.query.entity import Attribute, Children, Entity, Filter, Lookup, MappedRow, Order
from graph.query.landing_url import landing_url
from graph.query.shared_parts import (
    BY_CREATION,
    IN_PROGRAM,
    MEMBERSHIP,
    OF_PARTNER,
    TO_PARTNER,
    TO_PROGRAM,
    columns,
    upper,
)

# Sorts before every real time, so that rows without a click come last in descending order.
NEVER = literal(datetime(1, 1, 2, tzinfo=UTC), UtcDateTime)
MEMBER_KEY = ("program_id", "partner_id")


def _link_url(link: MappedRow) -> Sequence[ColumnElement[Any]]:
    if isinstance(link, RowOfProgram):
        return [link.destination_url, case((link.row.program_id.is_not(None), link.program.domain)), link.code]
    program = aliased(Program)
    # Needs no scope of its own: a viewer who may see a link may also see its program.
    domain = select(program.domain).where(program.id == link.program_id).scalar_subquery()
    return [link.destination_url, domain, link.code]


def _partner_name(row: MappedRow) -> ColumnElement[Any]:
    # Needs no scope of its own, either: whoever sees a membership or a link also sees its partner.
    partner = aliased(Partner)
    return select(partner.name).where(partner.id == row.partner_id).scalar_subquery()


def _partner_suspended_at(link: MappedRow) -> Sequence[ColumnElement[Any]]:
    # Whoever sees a link may see its partner's membership: both belong to the same program and partner.
    member = aliased(PartnerProgram)
    own = and_(member.program_id == link.program_id, member.partner_id == link.partner_id)
    return [select(member.suspended_at).where(own).scalar_subquery()]


LINK_ENTITIES = (
    Entity(
        name="PartnerProgram",
        table=PartnerProgram,
        attributes=COUNTERS,
        sums={
            "revenue": REVENUE_OF_MEMBER,
            "earnings": EARNINGS_OF_MEMBER,
            "pending": PENDING,
            "balance": BALANCE,
            "paid": PAID_OUT,
        },
        references={"program": TO_PROGRAM, "partner": TO_PARTNER},
        children={
            "referral_links": Children("ReferralLink", MEMBERSHIP),
            **conversions(MEMBERSHIP),
            **agreements(MEMBERSHIP),
        },
        orders={
            "created_at": Order(columns("created_at", "program_id", "partner_id"), ("moment", "number", "number")),
            **{
                name: Order(columns(name, *MEMBER_KEY), ("number", "number", "number"))
                for name in ("clicks", "leads", "sales")
            },
            "name": Order(
                lambda row: [_partner_name(row), row.program_id, row.partner_id], ("text", "number", "number")
            ),
            "last_clicked_at": Order(
                lambda row: [func.coalesce(row.last_clicked_at, NEVER), row.program_id, row.partner_id],
                ("moment", "number", "number"),
            ),
        },
        filters={
            "program_id": IN_PROGRAM,
            "partner_id": OF_PARTNER,
            "is_owed": Filter(is_owed, on_cluster=is_owed_on_cluster),
            "is_suspended": Filter(lambda row, value: row.suspended_at.is_not(None) == value),
            "search": contains(_partner_name),
        },
        lookups={"key": by_key(*MEMBER_KEY)},
    ),
    Entity(
        name="ReferralLink",
        table=ReferralLink,
        attributes={
            "url": Attribute(_link_url, landing_url),
            "status": upper("status"),
            "partner_suspended_at": Attribute(_partner_suspended_at),
            **COUNTERS,
        },
        sums={"revenue": REVENUE_OF_LINK, "earnings": EARNINGS_OF_LINK},
        references={"program": TO_PROGRAM, "partner": TO_PARTNER},
        children={
            "click_events": Children("ClickEvent", {"program_id": "program_id", "link_id": "id"}),
            **conversions({"program_id": "program_id", "link_id": "id"}),
        },
        orders={
            "created_at": BY_CREATION,
            "code": Order(columns("code", "id"), ("text", "number")),
            **{name: Order(columns(name, "id"), ("number", "number")) for name in ("clicks", "leads", "sales")},
            "last_clicked": Order(lambda row: [func.coalesce(row.last_clicked, NEVER), row.id], ("moment", "number")),
        },
        filters={
            "program_id": IN_PROGRAM,
            "partner_id": OF_PARTNER,
            "status": equals("status"),
            "code_prefix": starts_with("code"),
            "search": contains(lambda row: row.code, lambda row: row.destination_url, _partner_name),
        },
        lookups={
            "key": by_key("id"),
            "ids": BY_IDS,
            "code": Lookup(lambda row, values: row.code == values["code"], ("code",), is_unique=True),
        },
    ),
)
