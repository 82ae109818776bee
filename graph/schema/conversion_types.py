"""The types of what follows a click: leads, sales, refunds, commissions, commission rules and payouts.

A field has the name of an attribute, a reference or a child list in `graph.query`, which says how to read it.
"""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from graph.schema.commission_filters import CommissionStatus, RuleApproval, RuleEvent, RuleKind
from graph.schema.connections import HIDDEN, NUMBER, Node
from graph.schema.conversion_connections import shows_conversions
from graph.schema.conversion_filters import RefundStatus, SaleKind, SubscriptionInterval
from graph.schema.fields import value
from graph.schema.money import MoneyType
from graph.schema.scalars import BigInt
from graph.schema.types import ClickEventType, CustomerType, PartnerType, ProgramType, ReferralLinkType

SENT_DATA = "Any other data that was sent along. Null if none was sent, and to partner tokens."
CLICK = f"The click that it is attributed to. {HIDDEN}"
CUSTOMER = f"The customer. {HIDDEN}"


@strawberry.type(name="LeadEvent", description="A sign-up of a customer.")
class LeadEventType(Node):
    database_id: BigInt = value(NUMBER)
    event_name: str = value("What the customer signed up for. `signup` unless another name was sent.")
    is_provisional: bool = value(
        "Whether the lead does not count yet: the program's `leadAuth` is `SERVER`, and nothing has confirmed it."
    )
    session_id: str | None = value("The browser session. Null if none was sent.")
    page_url: str | None = value("The URL of the page with the sign-up. Null if none was sent.")
    additional_data: JSON | None = value(SENT_DATA)
    created_at: datetime = value("When the lead was recorded.")
    confirmed_at: datetime | None = value("When the lead began to count. Null while it is provisional.")
    program: ProgramType = value("The program.")
    partner: PartnerType | None = value("The partner that the lead is attributed to. Null while it is provisional.")
    referral_link: ReferralLinkType | None = value(
        f"The link that the lead is attributed to. Null while it is provisional. {HIDDEN}"
    )
    customer: CustomerType | None = value(CUSTOMER)
    click_event: ClickEventType | None = value(f"{CLICK} Null while the lead is provisional.")
    commission: "CommissionType | None" = value("The commission for the lead. Null if no rule grants one.")


@strawberry.type(name="Sale", description="A sale to a customer.")
@shows_conversions("sale", "refunds")
class SaleType(Node):
    database_id: BigInt = value(NUMBER)
    transaction_id: str = value("The merchant's own id of the sale, unique within the program.")
    amount: MoneyType = value("The amount of the sale, without refunds.")
    refunded: MoneyType = value("The sum of the sale's refunds.")
    sale_type: SaleKind = value("What the sale is.")
    is_recurring: bool = value("Whether the sale renews an earlier one.")
    subscription_id: str | None = value("The merchant's own id of the subscription. Null if none was sent.")
    subscription_interval: SubscriptionInterval | None = value(
        "How often the subscription is paid. Null if that was not sent."
    )
    product_id: str | None = value("The merchant's own id of the product. Null if none was sent.")
    line_items: JSON | None = value("The items, as they were sent. Null if none were, and to partner tokens.")
    additional_data: JSON | None = value(SENT_DATA)
    occurred_at: datetime = value("When the sale happened.")
    created_at: datetime = value("When the sale was recorded.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner that the sale is attributed to.")
    referral_link: ReferralLinkType | None = value(f"The link that the sale is attributed to. {HIDDEN}")
    customer: CustomerType | None = value(CUSTOMER)
    click_event: ClickEventType | None = value(CLICK)
    commission: "CommissionType | None" = value("The commission for the sale. Null if no rule grants one.")


@strawberry.type(name="Refund", description="A refund of a sale, or of a part of it.")
class RefundType(Node):
    database_id: BigInt = value(NUMBER)
    refund_id: str | None = value("The merchant's own id of the refund. Null if none was sent.")
    amount: MoneyType = value("The amount that was refunded.")
    clawback: MoneyType | None = value("What the refund took off the commission. Null if the sale has none.")
    status: RefundStatus = value("What the refund did to the commission.")
    reason: str | None = value("Why the sale was refunded. Null if that was not sent, and to partner tokens.")
    created_at: datetime = value("When the refund was recorded.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner that the sale is attributed to.")
    referral_link: ReferralLinkType | None = value(f"The link that the sale is attributed to. {HIDDEN}")
    customer: CustomerType | None = value(CUSTOMER)
    sale: SaleType = value("The sale.")
    commission: "CommissionType | None" = value("The sale's commission. Null if it has none.")
    payout: "PayoutType | None" = value(
        "The payout that was reduced by what the refund took off. Null if none was yet."
    )


@strawberry.type(name="Commission", description="What a sale or a lead earned its partner.")
class CommissionType(Node):
    database_id: BigInt = value(NUMBER)
    amount: MoneyType = value("What was earned, without refunds.")
    clawed_back: MoneyType = value("What refunds of the sale took off.")
    status: CommissionStatus = value("The status, as of now. The end of a hold approves commissions by itself.")
    approval: RuleApproval = value("How the commission is approved.")
    hold_until: datetime = value("The end of the hold.")
    approved_at: datetime | None = value("When the commission was approved by hand. Null if it was not.")
    rejected_reason: str | None = value("Why the commission was rejected. Null if it was not.")
    occurred_at: datetime = value("When the sale or the lead happened.")
    created_at: datetime = value("When the commission was recorded.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner who earned it.")
    referral_link: ReferralLinkType | None = value(f"The link that the conversion is attributed to. {HIDDEN}")
    customer: CustomerType | None = value(CUSTOMER)
    sale: SaleType | None = value("The sale that earned it. Null if a lead did.")
    lead_event: LeadEventType | None = value("The lead that earned it. Null if a sale did.")
    rule: "CommissionRuleType | None" = value(f"The rule by which it was computed. {HIDDEN}")
    payout: "PayoutType | None" = value("The payout that paid it. Null if it is not paid.")


@strawberry.type(
    name="CommissionRule",
    description="What sales or leads earn partners, from one time until another. A rule never changes, except that it "
    "ends. Of the rules in force when a sale happens, the most specific one counts: for the partner and the product, "
    "for the partner, for the product, for the program.",
)
class CommissionRuleType(Node):
    database_id: BigInt = value(NUMBER)
    event: RuleEvent = value("What a commission is earned by.")
    kind: RuleKind = value("How the amount is computed.")
    product_id: str | None = value("The product that the rule is for. Null if it is for all products.")
    basis_points: int | None = value("The share in hundredths of a percent. Null unless `kind` is `PERCENT`.")
    amount: MoneyType | None = value("The fixed amount. Null unless `kind` is `FIXED`.")
    duration_months: int | None = value(
        "For how many months after a customer's first commission further sales earn one; 0 for the first sale only. "
        "Null for as long as the customer pays."
    )
    hold_days: int = value("The number of days after which a commission is approved by itself.")
    approval: RuleApproval = value("How commissions are approved.")
    effective_from: datetime = value("The time from which the rule is in force.")
    effective_to: datetime | None = value("The time at which the rule ends, exclusive. Null if it has no end.")
    created_at: datetime = value("When the rule was created.")
    program: ProgramType = value("The program.")
    partner: PartnerType | None = value("The partner that the rule is for. Null if it is for all partners.")


@strawberry.type(
    name="Payout",
    description="A payment to a partner: the commissions in one currency that were approved up to a time, less what "
    "refunds took off them and off commissions paid before. clickgate records payouts; it moves no money.",
)
@shows_conversions("payout", "commissions", "refunds")
class PayoutType(Node):
    database_id: BigInt = value(NUMBER)
    amount: MoneyType = value("What was paid.")
    up_to: datetime = value("The time up to which approved commissions and refunds are included.")
    note: str | None = value("The note given when the payout was recorded. Null if none was.")
    created_at: datetime = value("When the payout was recorded.")
    program: ProgramType = value("The program.")
    partner: PartnerType = value("The partner who was paid.")
