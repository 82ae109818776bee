"""The types and arguments of the `clickReport` query; `graph.schema.reports` resolves it."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID

from graph.execution.cost_plan import COST
from graph.reports.calendars import Interval
from graph.reports.filters import RankingDimension
from graph.schema.fields import argument, costly_value, optional, value
from graph.schema.money import MoneyType
from graph.schema.scalars import BigInt
from graph.schema.types import PartnerType, ProgramType, ReferralLinkType

# A series or a ranking may read thousands of rollups, so it costs more than an object.
PART_COST = 20
# Each bucket of a series has a list of these.
AMOUNTS_COST = 5

strawberry.enum(
    Interval,
    name="ReportInterval",
    description="The length of a bucket, by the local time of the report's time zone. Weeks start on Monday.",
)
strawberry.enum(
    RankingDimension,
    name="ReportDimension",
    description=(
        "What to rank clicks by. `PAGE` and `REFERRER` are URLs without their query strings, and `DEVICE` is the type "
        "of device."
    ),
)


@strawberry.input(
    description="Restricts a report. A click must meet every condition given, and so must the click that a conversion "
    "is attributed to. Ids that your token cannot see match no clicks."
)
class ClickReportFilter:
    program_ids: list[ID] | None = optional("Only count clicks for these programs; at most 100 ids.")
    partner_ids: list[ID] | None = optional("Only count clicks credited to these partners; at most 100 ids.")
    referral_link_ids: list[ID] | None = optional("Only count clicks through these links; at most 100 ids.")
    is_bot: bool | None = optional("Only count clicks by bots (`true`) or only clicks by people (`false`).")


@strawberry.interface(description="Counts of clicks, and of the conversions attributed to clicks.")
class ClickCounts:
    clicks: BigInt = value("The number of clicks, by people and bots together.")
    people: BigInt = value("The number of clicks by people.")
    bots: BigInt = value("The number of clicks by bots, such as crawlers and monitors.")
    customers: BigInt = value("The number of customers that these clicks created.")
    leads: BigInt = value("The number of leads, without provisional ones, by when they began to count.")
    sales: BigInt = value("The number of sales, whether refunded or not, by when they happened.")
    revenue: list[MoneyType] = costly_value(
        "The sales less refunds, each by when it happened. One amount for each currency, sorted by currency; "
        "currencies that add up to zero are left out.",
        AMOUNTS_COST,
    )
    earnings: list[MoneyType] = costly_value(
        "The commissions for these leads and sales that were not rejected, less what refunds took off commissions, by "
        "when the refunds happened. One amount for each currency, sorted by currency; currencies that add up to zero "
        "are left out.",
        AMOUNTS_COST,
    )
    conversion_rate: float | None = value(
        "The number of sales divided by the number of clicks by people. Null if there are no such clicks."
    )


@strawberry.type(description="The counts of one interval of a time series.")
class ClickBucket(ClickCounts):
    start: datetime = value("The start of the bucket, with the offset of the report's time zone.")
    end: datetime = value("The end of the bucket (exclusive), with the offset of the report's time zone.")


@strawberry.type(description="The counts of one value in a ranking.")
class ClickShare(ClickCounts):
    program: ProgramType | None = value("The program. Null unless the ranking is by `PROGRAM`.")
    partner: PartnerType | None = value("The partner. Null unless the ranking is by `PARTNER`.")
    referral_link: ReferralLinkType | None = value(
        "The referral link. Null unless the ranking is by `LINK`, or if your token cannot see the link."
    )
    value: str | None = value(
        "The value ranked: the name of a program or partner, the code of a link, or a URL, country code, device type, "
        "browser or operating system. Null if it is unknown."
    )


@strawberry.type(
    name="ClickReport",
    description="Counts of clicks and conversions over a period. All parts of a report are consistent with each other. "
    "Conversions are counted when they happened, which may be after the click, and by the click that they are "
    "attributed to: by its program, partner and link, and by everything that can be ranked.",
)
class ClickReportType(ClickCounts):
    data_as_of: datetime = value("The time of the snapshot. Every click and conversion committed by then is counted.")

    @strawberry.field(
        description="The counts over time, in order. Empty buckets are included.", metadata={COST: PART_COST}
    )
    def series(
        self,
        interval: Annotated[
            Interval,
            strawberry.argument(description="The length of a bucket. `HOUR` allows periods of up to 5000 hours."),
        ] = Interval.DAY,
    ) -> list[ClickBucket]:
        raise LookupError("resolved together with the report")

    @strawberry.field(
        description="The values with the most clicks, in descending order. If conversions are selected, values without "
        "clicks that have conversions follow, in descending order of their sales.",
        metadata={COST: PART_COST},
    )
    def top(
        self,
        by: Annotated[RankingDimension, strawberry.argument(description="What to rank clicks by.")],
        limit: Annotated[int, strawberry.argument(description="The number of values to return, from 1 to 100.")] = 10,
    ) -> list[ClickShare]:
        raise LookupError("resolved together with the report")


REPORT_ARGUMENTS = [
    argument("from_", datetime, "The start of the period (inclusive)."),
    argument("to", datetime, "The end of the period (exclusive), at most 20 years after the start."),
    argument("filter", ClickReportFilter | None, "Restricts the clicks that are counted.", default=None),
    argument(
        "timezone", str, "The IANA time zone of the buckets, such as `Europe/Berlin`. Case-insensitive.", default="UTC"
    ),
]
