"""What can be read: each kind of row with its attributes, the rows around it, and its lists' orders and filters.

A name here is a field's or an input's name in the GraphQL schema, in snake_case; the schema adds types and words.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from msgspec import json
from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.columns import UtcDateTime
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from db.schema.visit_fields import VISIT_FIELDS
from db.sql.functions import among
from graph.query.entity import Attribute, Children, Filter, Kind, Lookup, Order, Part, Reference, Row, Values
from graph.query.landing_url import landing_url

# Sorts before every moment, so what never happened comes last where the latest comes first.
NEVER = literal(datetime(1, 1, 2, tzinfo=UTC), UtcDateTime)


def _columns(*names: str) -> Callable[[Row], Sequence[ColumnElement[Any]]]:
    return lambda row: [getattr(row, name) for name in names]


def _equals(column: str, names: str | None = None, *, spell: Callable[[str], str] | None = None) -> Filter:
    return Filter(lambda row, value: getattr(row, column) == value, names, spell)


def _since(column: str) -> Filter:
    return Filter(lambda row, value: getattr(row, column) >= value)


def _until(column: str) -> Filter:
    return Filter(lambda row, value: getattr(row, column) < value)


def _starts_with(column: str) -> Filter:
    # A range, because it can use the column's index; the largest character closes it.
    return Filter(
        lambda row, value: and_(getattr(row, column) >= value, getattr(row, column) < value + literal("\U0010ffff"))
    )


def _by_key(*columns: str) -> Lookup:
    names = tuple(f"key{number}" for number in range(len(columns)))
    return Lookup(
        lambda row, values: and_(
            *(getattr(row, column) == values[name] for column, name in zip(columns, names, strict=True))
        ),
        names,
        is_unique=True,
    )


def _json(column: str) -> Attribute:
    return Attribute(_columns(column), lambda text: None if text is None else json.decode(text))


BY_IDS = Lookup(lambda row, values: among(row.id, values["ids"]), ("ids",), lists="ids")
TO_PROGRAM = Reference("Program", lambda here, there: there.id == here.program_id)
TO_PARTNER = Reference("Partner", lambda here, there: there.id == here.partner_id)
TO_LINK = Reference("ReferralLink", lambda here, there: there.id == here.link_id)
TO_CUSTOMER = Reference(
    "Customer", lambda here, there: and_(there.program_id == here.program_id, there.id == here.customer_id)
)
IN_PROGRAM = _equals("program_id", "Program")
OF_PARTNER = _equals("partner_id", "Partner")
OF_LINK = _equals("link_id", "ReferralLink")
BY_CREATION = Order(_columns("created_at", "id"), ("moment", "number"))
BY_OCCURRENCE = Order(_columns("occurred_at", "id"), ("moment", "number"))
EVENT_ORDERS = {
    "occurred_at": BY_OCCURRENCE._replace(horizon="moment"),
    "id": Order(_columns("id", "program_id"), ("number", "number"), horizon="event id"),
}
BY_VISIT = {
    field.name: _equals(field.name, spell=field.filter.normalize) for field in VISIT_FIELDS if field.filter is not None
}
VISIT_ATTRIBUTES = {field.name: _json(field.name) for field in VISIT_FIELDS if field.type == "json"}


def _updated_at(customer: Row) -> ColumnElement[Any]:
    return func.coalesce(customer.updated_at, customer.created_at)


BY_UPDATE = Order(
    lambda row: [_updated_at(row), row.id],
    ("moment", "number"),
    horizon="moment",
    parts=(
        Part(lambda row: row.updated_at.is_(None), _columns("created_at", "id")),
        Part(lambda row: row.updated_at.is_not(None), _columns("updated_at", "id")),
    ),
)


def _link_url(link: Row) -> Sequence[ColumnElement[Any]]:
    program = aliased(Program)
    # Whoever sees a link sees its program: the link's key to the membership makes it so.
    domain = select(program.domain).where(program.id == link.program_id).scalar_subquery()
    return [link.destination_url, domain, link.code]


def _of_member_program(row: Row, value: Any) -> ColumnElement[bool]:
    return exists().where(PartnerProgram.partner_id == row.id, PartnerProgram.program_id == value)


def _is_usable(row: Row, value: Any) -> ColumnElement[bool]:
    usable = and_(row.revoked_at.is_(None), or_(row.expires_at.is_(None), row.expires_at > func.current_timestamp()))
    return cast(ColumnElement[bool], usable == value)


def _by_click_id(row: Row, values: Values) -> ColumnElement[bool]:
    # The number in a click_id is what the key can look up; then the whole text must agree.
    programs = select(aliased(Program).id)
    return and_(row.program_id.in_(programs), row.id == values["id"], row.click_id == values["click_id"])


def _within(row: Row, values: Values) -> ColumnElement[bool]:
    return and_(row.program_id == values["program_id"], row.id.between(values["first_id"], values["last_id"]))


CATALOGUE = {
    kind.name: kind
    for kind in (
        Kind(
            name="Program",
            table=Program,
            children={
                "partners": Children("PartnerProgram", {"program_id": "id"}),
                "referral_links": Children("ReferralLink", {"program_id": "id"}),
            },
            orders={"created_at": BY_CREATION, "name": Order(_columns("name", "id"), ("text", "number"))},
            filters={"name_prefix": _starts_with("name")},
            lookups={"key": _by_key("id"), "ids": BY_IDS},
        ),
        Kind(
            name="Partner",
            table=Partner,
            children={
                "programs": Children("PartnerProgram", {"partner_id": "id"}),
                "referral_links": Children("ReferralLink", {"partner_id": "id"}),
            },
            orders={"created_at": BY_CREATION, "name": Order(_columns("name", "id"), ("text", "number"))},
            filters={"program_id": Filter(_of_member_program, "Program"), "name_prefix": _starts_with("name")},
            lookups={"key": _by_key("id"), "ids": BY_IDS},
        ),
        Kind(
            name="PartnerProgram",
            table=PartnerProgram,
            references={"program": TO_PROGRAM, "partner": TO_PARTNER},
            orders={
                "created_at": Order(_columns("created_at", "program_id", "partner_id"), ("moment", "number", "number")),
                "clicks": Order(_columns("clicks", "program_id", "partner_id"), ("number", "number", "number")),
                "last_clicked_at": Order(
                    lambda row: [func.coalesce(row.last_clicked_at, NEVER), row.program_id, row.partner_id],
                    ("moment", "number", "number"),
                ),
            },
            filters={"program_id": IN_PROGRAM, "partner_id": OF_PARTNER},
            lookups={"key": _by_key("program_id", "partner_id")},
        ),
        Kind(
            name="ReferralLink",
            table=ReferralLink,
            attributes={"url": Attribute(_link_url, landing_url), "status": Attribute(_columns("status"), str.upper)},
            references={"program": TO_PROGRAM, "partner": TO_PARTNER},
            children={"click_events": Children("ClickEvent", {"program_id": "program_id", "link_id": "id"})},
            orders={
                "created_at": BY_CREATION,
                "code": Order(_columns("code", "id"), ("text", "number")),
                "clicks": Order(_columns("clicks", "id"), ("number", "number")),
                "last_clicked": Order(
                    lambda row: [func.coalesce(row.last_clicked, NEVER), row.id], ("moment", "number")
                ),
            },
            filters={
                "program_id": IN_PROGRAM,
                "partner_id": OF_PARTNER,
                "status": _equals("status"),
                "code_prefix": _starts_with("code"),
            },
            lookups={
                "key": _by_key("id"),
                "ids": BY_IDS,
                "code": Lookup(lambda row, values: row.code == values["code"], ("code",), is_unique=True),
            },
        ),
        Kind(
            name="Customer",
            table=Customer,
            attributes={"updated_at": Attribute(lambda row: [_updated_at(row)])},
            references={"program": TO_PROGRAM, "partner": TO_PARTNER, "referral_link": TO_LINK},
            children={"click_events": Children("ClickEvent", {"program_id": "program_id", "customer_id": "id"})},
            orders={"created_at": BY_CREATION._replace(horizon="moment"), "updated_at": BY_UPDATE},
            filters={
                "program_id": IN_PROGRAM,
                "partner_id": OF_PARTNER,
                "referral_link_id": OF_LINK,
                "customer_status": _equals("customer_status", spell=str.lower),
                "created_from": _since("created_at"),
                "created_to": _until("created_at"),
            },
            lookups={
                "key": _by_key("program_id", "id"),
                "click_id": Lookup(_by_click_id, ("id", "click_id"), is_unique=True),
            },
            is_large=True,
        ),
        Kind(
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
                "customer_id": Filter(
                    lambda row, program_id, key: and_(row.program_id == program_id, row.customer_id == key), "Customer"
                ),
                "occurred_from": _since("occurred_at"),
                "occurred_to": _until("occurred_at"),
                "click_id": _equals("click_id"),
                **BY_VISIT,
            },
            lookups={
                "key": _by_key("program_id", "id"),
                "range": Lookup(_within, ("program_id", "first_id", "last_id")),
                "range_of_link": Lookup(
                    lambda row, values: and_(_within(row, values), row.link_id == values["link_id"]),
                    ("program_id", "first_id", "last_id", "link_id"),
                ),
            },
            is_large=True,
        ),
        Kind(
            name="TestEvent",
            table=ClickTestEvent,
            attributes=VISIT_ATTRIBUTES,
            references={"program": TO_PROGRAM},
            orders={"occurred_at": BY_OCCURRENCE, "id": Order(_columns("id"), ("number",))},
            filters={"program_id": IN_PROGRAM},
            lookups={"key": _by_key("id")},
        ),
        Kind(
            name="ApiToken",
            table=ApiToken,
            attributes={"role": Attribute(_columns("role"), str.upper)},
            references={"program": TO_PROGRAM, "partner": TO_PARTNER},
            orders={"created_at": BY_CREATION},
            filters={
                "program_id": IN_PROGRAM,
                "partner_id": OF_PARTNER,
                "role": _equals("role"),
                "is_usable": Filter(_is_usable),
            },
            lookups={"key": _by_key("id")},
        ),
    )
}
