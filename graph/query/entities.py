"""The entities that can be read, with their references, children, orders, filters and lookups.

Names are those of the GraphQL schema in snake_case; `graph.schema` adds types and descriptions.
"""

from db.schema.partners import Partner
from db.schema.programs import Program
from db.schema.tokens import ApiToken
from graph.query.click_entities import CLICK_ENTITIES
from graph.query.commission_entities import COMMISSION_ENTITIES, agreements
from graph.query.conditions import BY_IDS, by_key, equals, has_membership, is_usable, starts_with
from graph.query.conversion_entities import CONVERSION_ENTITIES, conversions
from graph.query.entity import Children, Entity, Filter, Order
from graph.query.link_entities import LINK_ENTITIES
from graph.query.shared_parts import BY_CREATION, IN_PROGRAM, OF_PARTNER, TO_PARTNER, TO_PROGRAM, columns, upper

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
        *LINK_ENTITIES,
        *CLICK_ENTITIES,
        *CONVERSION_ENTITIES,
        *COMMISSION_ENTITIES,
    )
}
