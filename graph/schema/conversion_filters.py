"""The words, filters and sort orders of leads, sales and refunds."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import ID

from graph.schema.fields import optional
from graph.schema.sorting import BY, DIRECTION, OrderDirection

NUMBER = "The `databaseId`."
CURRENCY = "An ISO 4217 code, in any case."


@strawberry.enum(description="What a sale is.")
class SaleKind(Enum):
    PAYMENT = strawberry.enum_value("payment", description="A payment.")
    SUBSCRIPTION = strawberry.enum_value("subscription", description="A payment for a subscription.")


@strawberry.enum(description="How often a subscription is paid.")
class SubscriptionInterval(Enum):
    MONTHLY = strawberry.enum_value("monthly", description="Once a month.")
    QUARTERLY = strawberry.enum_value("quarterly", description="Once a quarter.")
    ANNUAL = strawberry.enum_value("annual", description="Once a year.")


@strawberry.enum(description="What a refund did to the sale's commission.")
class RefundStatus(Enum):
    REFUNDED = strawberry.enum_value("refunded", description="It took a part off the commission.")
    REVERSED = strawberry.enum_value("reversed", description="Nothing of the sale was left, so all was taken off.")
    NO_COMMISSION = strawberry.enum_value("no_commission", description="The sale had earned no commission.")


@strawberry.input(description="Restricts a list of leads. A lead must meet every condition given.")
class LeadEventFilter:
    program_id: ID | None = optional("Only leads of this program.")
    partner_id: ID | None = optional("Only leads attributed to this partner.")
    referral_link_id: ID | None = optional("Only leads attributed to this link.")
    customer_id: ID | None = optional("Only leads of this customer.")
    event_name: str | None = optional("Only leads with this event name, such as `signup`. Case-sensitive.")
    is_provisional: bool | None = optional("Only provisional leads (`true`), or only leads that count (`false`).")
    created_from: datetime | None = optional("Only leads received at or after this time.")
    created_to: datetime | None = optional("Only leads received before this time.")


@strawberry.enum(description="The fields that leads can be sorted by.")
class LeadEventOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description="The time at which the lead was recorded.")
    ID = strawberry.enum_value("id", description=NUMBER)


@strawberry.input(description="The sort order of a list of leads.")
class LeadEventOrder:
    field: LeadEventOrderField = strawberry.field(default=LeadEventOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Restricts a list of sales. A sale must meet every condition given.")
class SaleFilter:
    program_id: ID | None = optional("Only sales of this program.")
    partner_id: ID | None = optional("Only sales attributed to this partner.")
    referral_link_id: ID | None = optional("Only sales attributed to this link.")
    customer_id: ID | None = optional("Only sales to this customer.")
    transaction_id: str | None = optional("Only the sale with this transaction id. Case-sensitive.")
    product_id: str | None = optional("Only sales of this product. Case-sensitive.")
    subscription_id: str | None = optional("Only sales for this subscription. Case-sensitive.")
    sale_type: SaleKind | None = optional("Only sales of this type.")
    currency: str | None = optional(f"Only sales in this currency: {CURRENCY}")
    occurred_from: datetime | None = optional("Only sales that happened at or after this time.")
    occurred_to: datetime | None = optional("Only sales that happened before this time.")


@strawberry.enum(description="The fields that sales can be sorted by.")
class SaleOrderField(Enum):
    OCCURRED_AT = strawberry.enum_value("occurred_at", description="The time at which the sale happened.")
    ID = strawberry.enum_value("id", description=NUMBER)


@strawberry.input(description="The sort order of a list of sales.")
class SaleOrder:
    field: SaleOrderField = strawberry.field(default=SaleOrderField.OCCURRED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.input(description="Restricts a list of refunds. A refund must meet every condition given.")
class RefundFilter:
    program_id: ID | None = optional("Only refunds of this program's sales.")
    partner_id: ID | None = optional("Only refunds of sales attributed to this partner.")
    referral_link_id: ID | None = optional("Only refunds of sales attributed to this link.")
    customer_id: ID | None = optional("Only refunds to this customer.")
    sale_id: ID | None = optional("Only refunds of this sale.")
    status: RefundStatus | None = optional("Only refunds with this status.")
    created_from: datetime | None = optional("Only refunds recorded at or after this time.")
    created_to: datetime | None = optional("Only refunds recorded before this time.")


@strawberry.enum(description="The fields that refunds can be sorted by.")
class RefundOrderField(Enum):
    CREATED_AT = strawberry.enum_value("created_at", description="The time at which the refund was recorded.")
    ID = strawberry.enum_value("id", description=NUMBER)


@strawberry.input(description="The sort order of a list of refunds.")
class RefundOrder:
    field: RefundOrderField = strawberry.field(default=RefundOrderField.CREATED_AT, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)
