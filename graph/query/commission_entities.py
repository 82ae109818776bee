"""The entities of what partners earn: commission rules, commissions and payouts."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, case, or_

from db.schema.commissions import Commission, CommissionRule, Payout
from db.sql.functions import among
from graph.domain.commission_status import NOW, status_at
from graph.query.conditions import by_key, equals
from graph.query.conversion_entities import BY_ID, CREATED, OCCURRED, OF_ALL, TO_ALL, amount, in_program, of_row
from graph.query.entity import Attribute, Children, Entity, Filter, Lookup, MappedRow, Order, Reference
from graph.query.shared_parts import (
    BY_CREATION,
    BY_OCCURRENCE,
    IN_PROGRAM,
    OF_PARTNER,
    TO_PARTNER,
    TO_PROGRAM,
    columns,
    upper,
)

BY_OWN_ID = Order(columns("id"), ("number",))
SETTLED_BY = {"program_id": "program_id", "payout_id": "id"}


def agreements(keys: Mapping[str, str]) -> dict[str, Children]:
    """Return the lists of rules and payouts that refer to a row by these keys."""
    return {"commission_rules": Children("CommissionRule", keys), "payouts": Children("Payout", keys)}


def _is_in_force(rule: MappedRow, value: ColumnElement[bool]) -> ColumnElement[bool]:
    in_force = and_(rule.effective_from <= NOW, or_(rule.effective_to.is_(None), rule.effective_to > NOW))
    return case((in_force, True), else_=False) == value


COMMISSION_ENTITIES = (
    Entity(
        name="Commission",
        table=Commission,
        attributes={
            "amount": amount("amount"),
            "clawed_back": amount("clawed_back"),
            "status": Attribute(lambda row: [status_at(row, NOW)], str.upper),
            "approval": upper("approval"),
        },
        references={
            **TO_ALL,
            "sale": in_program("Sale", "sale_id"),
            "lead_event": in_program("LeadEvent", "lead_id"),
            "rule": Reference("CommissionRule", lambda here, there: there.id == here.rule_id),
            "payout": Reference("Payout", lambda here, there: there.id == here.payout_id),
        },
        orders={"occurred_at": BY_OCCURRENCE, "id": BY_ID},
        filters={
            **OF_ALL,
            "sale_id": of_row("Sale", "sale_id"),
            "payout_id": equals("payout_id", "Payout"),
            "status": Filter(lambda row, value: status_at(row, NOW) == value),
            "currency": equals("currency", spell=str.upper),
            **OCCURRED,
        },
        lookups={
            "key": by_key("program_id", "id"),
            "ids": Lookup(
                lambda row, values: and_(row.program_id == values["program_id"], among(row.id, values["ids"])),
                ("program_id", "ids"),
                lists="ids",
            ),
        },
        is_large=True,
    ),
    Entity(
        name="CommissionRule",
        table=CommissionRule,
        attributes={
            "event": upper("event"),
            "kind": upper("kind"),
            "amount": amount("amount"),
            "approval": upper("approval"),
        },
        references={"program": TO_PROGRAM, "partner": TO_PARTNER},
        orders={
            "effective_from": Order(columns("effective_from", "id"), ("moment", "number")),
            "id": BY_OWN_ID,
        },
        filters={
            "program_id": IN_PROGRAM,
            "partner_id": OF_PARTNER,
            "product_id": equals("product_id"),
            "event": equals("event"),
            "is_in_force": Filter(_is_in_force),
        },
        lookups={"key": by_key("id")},
    ),
    Entity(
        name="Payout",
        table=Payout,
        attributes={"amount": amount("amount")},
        references={"program": TO_PROGRAM, "partner": TO_PARTNER},
        children={"commissions": Children("Commission", SETTLED_BY), "refunds": Children("Refund", SETTLED_BY)},
        orders={"created_at": BY_CREATION, "id": BY_OWN_ID},
        filters={
            "program_id": IN_PROGRAM,
            "partner_id": OF_PARTNER,
            "currency": equals("currency", spell=str.upper),
            **CREATED,
        },
        lookups={"key": by_key("id")},
    ),
)
