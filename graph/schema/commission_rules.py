"""The mutations that create and end commission rules, with their inputs and payload."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID

from graph.domain import commission_rules
from graph.domain.commission_rules import NewRule
from graph.domain.context import Context
from graph.query.global_ids import RowRef, decode_key
from graph.schema.changes import Payload, input_values
from graph.schema.commission_filters import RuleApproval, RuleEvent, RuleKind
from graph.schema.conversion_types import CommissionRuleType
from graph.schema.fields import optional, value
from graph.schema.scalars import BigInt


@strawberry.input(
    description="The input of `createCommissionRule`. The new rule ends the former one for the same program, partner, "
    "product and event when it begins. A rule that is planned to begin later still will, and ends the new one."
)
class CreateCommissionRuleInput:
    program_id: ID = value("The program.")
    event: RuleEvent = value("What a commission is earned by.")
    kind: RuleKind = value("How the amount is computed. `FIXED` for leads.")
    basis_points: int | None = optional(
        "The share in hundredths of a percent, from 0 to 10000. Required for `PERCENT`, invalid for `FIXED`."
    )
    amount: BigInt | None = optional(
        "The amount in minor units of the currency, at most 10^12. Required for `FIXED`, invalid for `PERCENT`."
    )
    currency: str | None = optional(
        "The amount's ISO 4217 code, in any case. Required for `FIXED`, invalid for `PERCENT`."
    )
    partner_id: ID | None = optional("The partner that the rule is for. For all partners if omitted or null.")
    product_id: str | None = optional(
        "The product that the rule is for: 1 to 255 characters, as sales name it. For all products if omitted or null."
    )
    duration_months: int | None = optional(
        "For how many calendar months after a customer's first commission further sales earn one, up to 1200; 0 for "
        "the first sale only. For as long as the customer pays if omitted or null."
    )
    hold_days: int = strawberry.field(
        default=15, description="The number of days after which a commission is approved by itself, from 0 to 365."
    )
    approval: RuleApproval = strawberry.field(default=RuleApproval.AUTO, description="How commissions are approved.")
    effective_from: datetime | None = optional(
        "When the rule begins. It then ends the one for the same partner, product and event that is in force, and ends "
        "itself when the next one begins. It may lie in the past, which changes nothing that is recorded. Now if "
        "omitted or null."
    )


@strawberry.input(description="The input of `endCommissionRule`.")
class EndCommissionRuleInput:
    id: ID = value("The rule to end.")
    effective_to: datetime | None = optional(
        "When the rule ends. It may lie in the past, which changes nothing that is recorded. Now if omitted or null."
    )


@strawberry.type(description="The result of `createCommissionRule` and `endCommissionRule`.")
class CommissionRulePayload(Payload):
    commission_rule: CommissionRuleType | None = value("The rule after the change. Null if there are user errors.")


async def create_commission_rule(context: Context, input: CreateCommissionRuleInput) -> Mapping[str, Any]:
    row = await commission_rules.create(context, NewRule(**input_values(input)))
    return {"commission_rule": RowRef("CommissionRule", (row["id"],))}


async def end_commission_rule(context: Context, input: EndCommissionRuleInput) -> Mapping[str, Any]:
    (id,) = decode_key(input.id, "CommissionRule", "id")
    await commission_rules.end(context, id, **input_values(input))
    return {"commission_rule": RowRef("CommissionRule", (id,))}
