"""The counts of reports, in total and in the buckets of series."""

from datetime import datetime

import strawberry

from graph.reports.calendars import Interval
from graph.schema.fields import costly_value, value
from graph.schema.money import MoneyType
from graph.schema.scalars import BigInt

# A series may read thousands of rollups, and a ranking all events of the period, so they cost more than an object.
PART_COST = 20
# Each bucket of a series has a list of these.
AMOUNTS_COST = 5

strawberry.enum(
    Interval,
    name="ReportInterval",
    description="The length of a bucket, by the local time of the report's time zone. Weeks start on Monday.",
)


@strawberry.interface(description="Counts of clicks, and of the conversions attributed to clicks.")
class ClickCounts:
    clicks: BigInt = value("The number of clicks, by people and bots together.")
    people: BigInt = value("The number of clicks by people.")
    bots: BigInt = value("The number of clicks by bots, such as crawlers and monitors.")
    visitors: BigInt = value(
        "The number of different customers who clicked. These do not add up: a visitor may be counted in several "
        "buckets or rows, but only once in their total."
    )
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
