"""The words, filters and sort orders of commissions, commission rules and payouts."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.conversion_filters import CURRENCY, NUMBER
from graph.schema.fields import optional
from graph.schema.sorting import BY, CREATED_AT, DIRECTION, OrderDirection


@strawberry.enum(description="The status of a commission, as of the time of the query.")
class CommissionStatus(Enum):
    PENDING = strawberry.enum_value("pending", description="Waits for the end of its hold, or for approval by hand.")
    APPROVED = strawberry.enum_value("approved", description="The next payout includes it.")
    PAID = strawberry.enum_value("paid", description="A payout has included it. It stays paid, even if it is refunded.")
    REJECTED = strawberry.enum_value("rejected", description="It was rejected by hand, and will not be paid.")
    REVERSED = strawberry.enum_value("reversed", description="Refunds took all of it off before it was paid.")


@strawberry.enum(description="What a commission is earned by.")
class RuleEvent(Enum):
    SALE = strawberry.enum_value("sale", description="A sale.")
    LEAD = strawberry.enum_value("lead", description="A lead.")


@strawberry.enum(description="How a commission rule computes the amount.")
class RuleKind(Enum):
    PERCENT = strawberry.enum_value("percent", description="A share of the sale's amount, in the sale's currency.")
    FIXED = strawberry.enum_value("fixed", description="A fixed amount.")


@strawberry.enum(description="How commissions are approved.")
class RuleApproval(Enum):
    AUTO = strawberry.enum_value("auto", description="By themselves at the end of the hold, or earlier by hand.")
    MANUAL = strawberry.enum_value("manual", description="Only by hand.")


@strawberry.input(description="Restricts a list of commissions. A commission must meet every condition given.")
class CommissionFilter:
    program_id: ID | None = optional("Only commissions of this program.")
    partner_id: ID | None = optional("Only this partner's commissions.")
    referral_link_id: ID | None = optional("Only commissions for conversions attributed to this link.")
    customer_id: ID | None = optional("Only commissions for this customer's conversions.")
    sale_id: ID | None = optional("Only the commission for this sale.")
    payout_id: ID | None = optional("Only commissions that this payout has paid.")
    status: CommissionStatus | None = optional("Only commissions with this status, as of now.")
    currency: str | None = optional(f"Only commissions in this currency: {CURRENCY}")
    occurred_from: datetime | None = optional("Only commissions for conversions at or after this time.")
    occurred_to: datetime | None = optional("Only commissions for conversions before this time.")


@strawberry.enum(description="The fields that commissions can be sorted by.")
class CommissionOrderField(Enum):
    OCCURRED_AT = strawberry.enum_value("occurred_at", description="The time of the sale or the lead.")
    ID = strawberry.enum_value("id", description=NUMBER)


@strawberry.input(description="The sort order of a list of commissions.")
class CommissionOrder:
    field: CommissionOrderField = strawberry.field(default=CommissionOrderField.OCCURRED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Restricts a list of commission rules. A rule must meet every condition given.")
class CommissionRuleFilter:
    program_id: ID | None = optional("Only rules of this program.")
    partner_id: ID | None = optional("Only rules for this partner alone.")
    product_id: str | None = optional("Only rules for this product alone. Case-sensitive.")
    event: RuleEvent | None = optional("Only rules for this event.")
    is_in_force: bool | None = optional("Only rules that are in force now (`true`), or only the others (`false`).")


@strawberry.enum(description="The fields that commission rules can be sorted by.")
class CommissionRuleOrderField(Enum):
    EFFECTIVE_FROM = strawberry.enum_value("effective_from", description="The time from which the rule is in force.")
    ID = strawberry.enum_value("id", description=NUMBER)


@strawberry.input(description="The sort order of a list of commission rules.")
class CommissionRuleOrder:
    field: CommissionRuleOrderField = strawberry.field(default=CommissionRuleOrderField.EFFECTIVE_FROM, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Restricts a list of payouts. A payout must meet every condition given.")
class PayoutFilter:
    program_id: ID | None = optional("Only payouts of this program.")
    partner_id: ID | None = optional("Only payouts to this partner.")
    currency: str | None = optional(f"Only payouts in this currency: {CURRENCY}")
    created_from: datetime | None = optional("Only payouts recorded at or after this time.")
    created_to: datetime | None = optional("Only payouts recorded before this time.")


@strawberry.enum(description="The fields that payouts can be sorted by.")
class PayoutOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description=CREATED_AT)
    ID = strawberry.enum_value("id", description=NUMBER)


@strawberry.input(description="The sort order of a list of payouts.")
class PayoutOrder:
    field: PayoutOrderField = strawberry.field(default=PayoutOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
