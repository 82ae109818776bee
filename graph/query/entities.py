"""The entities that can be read, with their references, children, orders, filters and lookups.

Names are those of the GraphQL schema in snake_case; `graph.schema` adds types and descriptions.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select
from sqlalchemy.orm import aliased

from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.columns import UtcDateTime
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from graph.query.commission_entities import COMMISSION_ENTITIES, agreements
from graph.query.conditions import (
    BY_IDS,
    by_key,
    contains,
    equals,
    has_click_id,
    has_membership,
    in_id_range,
    is_usable,
    since,
    starts_with,
    until,
)
from graph.query.conversion_entities import CONVERSION_ENTITIES, conversions
from graph.query.conversion_sums import (
    BALANCE,
    COUNTERS,
    EARNINGS_OF_LINK,
    EARNINGS_OF_MEMBER,
    PAID_OUT,
    PENDING,
    REVENUE_OF_CUSTOMER,
    REVENUE_OF_LINK,
    REVENUE_OF_MEMBER,
    is_owed,
)
from graph.query.entity import Attribute, Children, Entity, Filter, Lookup, MappedRow, Order
from graph.query.landing_url import landing_url
from graph.query.shared_parts import (
    BY_CREATION,
    BY_OCCURRENCE,
    BY_UPDATE,
    IN_PROGRAM,
    MEMBERSHIP,
    OF_CUSTOMER,
    OF_LINK,
    OF_PARTNER,
    TO_CUSTOMER,
    TO_LINK,
    TO_PARTNER,
    TO_PROGRAM,
    columns,
    updated_at,
    upper,
)
from graph.query.visit_parts import BY_VISIT, VISIT_ATTRIBUTES

# Sorts before every real time, so that rows without a click come last in descending order.
NEVER = literal(datetime(1, 1, 2, tzinfo=UTC), UtcDateTime)


EVENT_ORDERS = {
    "occurred_at": BY_OCCURRENCE._replace(horizon="moment"),
    "id": Order(columns("id", "program_id"), ("number", "number"), horizon="event id"),
}


def _link_url(link: MappedRow) -> Sequence[ColumnElement[Any]]:
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


MEMBER_KEY = ("program_id", "partner_id")
ENTITIES = {
    entity.name: entity
    for entity in (
        Entity(
            name="Program",
            table=Program,
            attributes={"lead_auth": upper("lead_auth")},
            children={
                "partners": Children("PartnerProgram", {"program_id": "id"}),
                "referral_links": Children("ReferralLink", {"program_id": "id"}),
                **conversions({"program_id": "id"}),
                **agreements({"program_id": "id"}),
            },
            orders={"created_at": BY_CREATION, "name": Order(columns("name", "id"), ("text", "number"))},
            filters={"name_prefix": starts_with("name")},
            lookups={"key": by_key("id"), "ids": BY_IDS},
        ),
        Entity(
            name="Partner",
            table=Partner,
            children={
                "programs": Children("PartnerProgram", {"partner_id": "id"}),
                "referral_links": Children("ReferralLink", {"partner_id": "id"}),
                **conversions({"partner_id": "id"}),
                **agreements({"partner_id": "id"}),
            },
            orders={"created_at": BY_CREATION, "name": Order(columns("name", "id"), ("text", "number"))},
            filters={"program_id": Filter(has_membership, "Program"), "name_prefix": starts_with("name")},
            lookups={"key": by_key("id"), "ids": BY_IDS},
        ),
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
                "is_owed": Filter(is_owed),
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
                "last_clicked": Order(
                    lambda row: [func.coalesce(row.last_clicked, NEVER), row.id], ("moment", "number")
                ),
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
        Entity(
            name="Customer",
            table=Customer,
            attributes={"updated_at": Attribute(lambda row: [updated_at(row)])},
            sums={"revenue": REVENUE_OF_CUSTOMER},
            references={"program": TO_PROGRAM, "partner": TO_PARTNER, "referral_link": TO_LINK},
            children={
                "click_events": Children("ClickEvent", {"program_id": "program_id", "customer_id": "id"}),
                **conversions({"program_id": "program_id", "customer_id": "id"}),
            },
            orders={"created_at": BY_CREATION._replace(horizon="moment"), "updated_at": BY_UPDATE},
            filters={
                "program_id": IN_PROGRAM,
                "partner_id": OF_PARTNER,
                "referral_link_id": OF_LINK,
                "customer_status": equals("customer_status", spell=str.lower),
                "customer_key": equals("customer_key"),
                "created_from": since("created_at"),
                "created_to": until("created_at"),
            },
            lookups={
                "key": by_key("program_id", "id"),
                "click_id": Lookup(has_click_id, ("id", "click_id"), is_unique=True),
            },
            is_large=True,
        ),
        Entity(
            name="ClickEvent",
            table=ClickEvent,
            attributes=VISIT_ATTRIBUTES,
            references={
                "program": TO_PROGRAM,
                "partner": TO_PARTNER,
                "referral_link": TO_LINK,
                "customer": TO_CUSTOMER,
            },
            orders=EVENT_ORDERS,
            filters={
                "program_id": IN_PROGRAM,
                "partner_id": OF_PARTNER,
                "referral_link_id": OF_LINK,
                "customer_id": OF_CUSTOMER,
                "occurred_from": since("occurred_at"),
                "occurred_to": until("occurred_at"),
                "click_id": equals("click_id"),
                **BY_VISIT,
            },
            lookups={
                "key": by_key("program_id", "id"),
                "range": Lookup(in_id_range, ("program_id", "first_id", "last_id")),
                "range_of_link": Lookup(
                    lambda row, values: and_(in_id_range(row, values), row.link_id == values["link_id"]),
                    ("program_id", "first_id", "last_id", "link_id"),
                ),
            },
            is_large=True,
        ),
        Entity(
            name="TestEvent",
            table=ClickTestEvent,
            attributes=VISIT_ATTRIBUTES,
            references={"program": TO_PROGRAM},
            orders={"occurred_at": BY_OCCURRENCE, "id": Order(columns("id"), ("number",))},
            filters={"program_id": IN_PROGRAM},
            lookups={"key": by_key("id")},
        ),
        Entity(
            name="ApiToken",
            table=ApiToken,
            attributes={"role": upper("role")},
            references={"program": TO_PROGRAM, "partner": TO_PARTNER},
            orders={"created_at": BY_CREATION},
            filters={
                "program_id": IN_PROGRAM,
                "partner_id": OF_PARTNER,
                "role": equals("role"),
                "is_usable": Filter(is_usable),
            },
            lookups={"key": by_key("id")},
        ),
        *CONVERSION_ENTITIES,
        *COMMISSION_ENTITIES,
    )
}
