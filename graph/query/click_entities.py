"""The entities of clicks, of clicks sent in test mode, and of the customers that clicks identified."""

from sqlalchemy import and_

from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.customers import Customer
from graph.query.conditions import by_key, equals, has_click_id, in_id_range, since, until
from graph.query.conversion_entities import conversions
from graph.query.conversion_sums import REVENUE_OF_CUSTOMER
from graph.query.entity import Attribute, Children, Entity, Lookup, Order
from graph.query.shared_parts import (
    BY_CREATION,
    BY_OCCURRENCE,
    BY_UPDATE,
    IN_PROGRAM,
    OF_CUSTOMER,
    OF_LINK,
    OF_PARTNER,
    TO_CUSTOMER,
    TO_LINK,
    TO_PARTNER,
    TO_PROGRAM,
    columns,
    updated_at,
)
from graph.query.visit_parts import BY_VISIT, VISIT_ATTRIBUTES

EVENT_ORDERS = {
    "occurred_at": BY_OCCURRENCE._replace(horizon="moment"),
    "id": Order(columns("id", "program_id"), ("number", "number"), horizon="event id"),
}

CLICK_ENTITIES = (
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
)
