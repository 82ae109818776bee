"""The types and arguments of the `clickReport` query; `graph.schema.reports` resolves it."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph.execution.cost_plan import COST
from graph.reports.calendars import Interval
from graph.schema.breakdown_types import BREAKDOWN_ARGUMENTS, BREAKDOWN_COST, BreakdownConnection
from graph.schema.click_counts import PART_COST, ClickBucket, ClickCounts
from graph.schema.fields import argument, costly_field, value
from graph.schema.report_dimensions import ReportDimension
from graph.schema.report_filters import ClickReportFilter
from graph.schema.types import PartnerType, ProgramType, ReferralLinkType


@strawberry.type(description="The counts of one value in a ranking.")
class ClickShare(ClickCounts):
    program: ProgramType | None = value("The program. Null unless the ranking is by `PROGRAM`.")
    partner: PartnerType | None = value("The partner. Null unless the ranking is by `PARTNER`.")
    referral_link: ReferralLinkType | None = value(
        "The referral link. Null unless the ranking is by `LINK`, or if your token cannot see the link."
    )
    value: str | None = value(
        "The value ranked: the name of a program or partner, the code of a link, or the text of any other dimension. "
        "Null if it is unknown."
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
        by: Annotated[ReportDimension, strawberry.argument(description="What to rank clicks by.")],
        limit: Annotated[int, strawberry.argument(description="The number of values to return, from 1 to 100.")] = 10,
    ) -> list[ClickShare]:
        raise LookupError("resolved together with the report")

    breakdown: BreakdownConnection = costly_field(
        "The counts of each combination of values of one to three dimensions, by pages. All rows are grouped, sorted "
        "and counted in the snapshot of the report.",
        BREAKDOWN_ARGUMENTS,
        BREAKDOWN_COST,
    )


REPORT_ARGUMENTS = [
    argument("from_", datetime, "The start of the period (inclusive)."),
    argument("to", datetime, "The end of the period (exclusive), at most 20 years after the start."),
    argument("filter", ClickReportFilter | None, "Restricts the clicks that are counted.", default=None),
    argument(
        "timezone",
        str,
        "The IANA time zone of buckets, hours and days, such as `Europe/Berlin`. Case-insensitive.",
        default="UTC",
    ),
]
