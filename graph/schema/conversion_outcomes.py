"""The outcomes of the `trackLead`, `trackSale` and `trackRefund` mutations."""

from enum import Enum
from typing import Annotated

import strawberry

from graph.schema.fields import value
from graph.schema.money import MoneyType
from graph.schema.scalars import BigInt

SUCCESS = "Always `true`."
MESSAGE = "A description of the outcome, for people to read."


@strawberry.type(description="The lead was recorded, or was known already.")
class TrackedLead:
    success: bool = value(SUCCESS)
    message: str = value(MESSAGE)
    lead_id: BigInt = value("The `databaseId` of the lead.")
    is_provisional: bool = value(
        "Whether the lead does not count yet: a lead with the program's token, or a sale, has to confirm it."
    )
    is_known: bool = value("Whether the customer had a lead with this event name. Nothing was recorded twice.")


@strawberry.type(description="The sale was recorded.")
class TrackedSale:
    success: bool = value(SUCCESS)
    message: str = value(MESSAGE)
    sale_id: BigInt = value("The `databaseId` of the sale.")
    commission_id: BigInt | None = value("The `databaseId` of the commission. Null if no rule grants one.")


@strawberry.enum(description="What a refund did.")
class TrackedRefundStatus(Enum):
    REFUNDED = strawberry.enum_value("refunded", description="It took a part off the commission.")
    REVERSED = strawberry.enum_value("reversed", description="Nothing of the sale is left, so all was taken off.")
    NO_COMMISSION = strawberry.enum_value("no_commission", description="It was recorded. The sale has no commission.")
    SKIPPED = strawberry.enum_value("skipped", description="Nothing: the sale was refunded completely before.")


@strawberry.type(description="The refund was recorded, or there was nothing left to refund.")
class TrackedRefund:
    success: bool = value(SUCCESS)
    status: TrackedRefundStatus = value("What the refund did.")
    deduction: MoneyType | None = value("What it took off the commission. Null if there was nothing to take it off.")
    commission_id: BigInt | None = value("The `databaseId` of the commission. Null if the sale has none.")


@strawberry.type(
    description="The customer's click was too long ago, and no partner was bound before. Nothing was recorded."
)
class UnattributedConversion:
    success: bool = value(SUCCESS)
    reason: str = value("Always `attribution_window_expired`.")
    click_age_days: int = value("The age of the click in days.")
    window_days: int = value("The program's attribution window in days.")


@strawberry.type(description="A sale with this transaction id was recorded before. Nothing was recorded.")
class DuplicateSale:
    success: bool = value("Always `false`.")
    message: str = value(MESSAGE)
    sale_id: BigInt = value("The `databaseId` of the sale that was recorded.")
    commission_id: BigInt | None = value("The `databaseId` of its commission. Null if it has none.")


@strawberry.type(description="The test event was recorded. Test events count nowhere.")
class TrackedTestConversion:
    success: bool = value(SUCCESS)
    message: str = value(MESSAGE)
    event_id: BigInt = value("The id of the test event.")
    program_id: BigInt | None = value("The `databaseId` of the program. Null if a lead named none.")
    test_mode: bool = value("Always `true`.")


@strawberry.type(
    description="The conversion was rejected, like a 400 response in REST. Nothing was recorded, and sending it again "
    "will not help."
)
class RefusedConversion:
    success: bool = value("Always `false`.")
    message: str = value("A description of the problem, for people to read.")
    code: str = value("A stable error code such as `unknown_customer`, shared with the REST API.")


TrackLeadResult = Annotated[
    TrackedLead | UnattributedConversion | TrackedTestConversion | RefusedConversion,
    strawberry.union("TrackLeadResult", description="The outcome of a tracked lead."),
]
TrackSaleResult = Annotated[
    TrackedSale | UnattributedConversion | DuplicateSale | TrackedTestConversion | RefusedConversion,
    strawberry.union("TrackSaleResult", description="The outcome of a tracked sale."),
]
TrackRefundResult = Annotated[
    TrackedRefund | RefusedConversion,
    strawberry.union("TrackRefundResult", description="The outcome of a tracked refund."),
]
