"""The types and arguments of a report's breakdown; `graph.schema.breakdowns` resolves it."""

from enum import Enum

import strawberry

from db.segments.questions import Order
from graph.reports.calendars import Interval
from graph.reports.requests import BREAKDOWN_BUCKETS, BREAKDOWN_ROWS, SEARCH_LENGTH, SEARCH_TEXTS
from graph.schema.click_counts import PART_COST, ClickBucket, ClickCounts
from graph.schema.connections import Edge, PageInfo
from graph.schema.fields import argument, costly_value, value
from graph.schema.report_dimensions import ReportDimension
from graph.schema.scalars import BigInt
from graph.schema.sorting import BY, DIRECTION, IGNORING_CASE, OrderDirection
from graph.schema.types import PartnerType, ProgramType, ReferralLinkType

# It groups and sorts every combination of values, whatever is shown of them, and may count visitors.
BREAKDOWN_COST = 3 * PART_COST
# A row has up to so many keys.
KEYS_COST = 3


@strawberry.enum(description="The fields that the rows of a breakdown can be sorted by.")
class BreakdownOrderField(Enum):
    CLICKS = strawberry.enum_value(Order.CLICKS.value, description="The number of clicks.")
    PEOPLE = strawberry.enum_value(Order.PEOPLE.value, description="The number of clicks by people.")
    VISITORS = strawberry.enum_value(Order.VISITORS.value, description="The number of different customers.")
    CUSTOMERS = strawberry.enum_value(Order.CUSTOMERS.value, description="The number of customers created.")
    LEADS = strawberry.enum_value(Order.LEADS.value, description="The number of leads.")
    SALES = strawberry.enum_value(Order.SALES.value, description="The number of sales.")
    VALUE = strawberry.enum_value(
        Order.VALUE.value,
        description="The values of the dimensions, one after the other: names and codes of programs, partners and "
        "links, hours and days by their place in the day or the week, and other texts by Unicode code point.",
    )


@strawberry.input(
    description="The sort order of a breakdown. Rows with equal numbers are sorted by their values, in ascending "
    "order. Values that are not known come last."
)
class BreakdownOrder:
    field: BreakdownOrderField = strawberry.field(default=BreakdownOrderField.CLICKS, description=BY)
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description=DIRECTION)


@strawberry.type(description="The value of one dimension in a row of a breakdown.")
class BreakdownKey:
    dimension: ReportDimension = value("The dimension.")
    program: ProgramType | None = value("The program. Null unless the dimension is `PROGRAM`.")
    partner: PartnerType | None = value("The partner. Null unless the dimension is `PARTNER`.")
    referral_link: ReferralLinkType | None = value(
        "The referral link. Null unless the dimension is `LINK`, or if your token cannot see the link."
    )
    value: str | None = value(
        "The value: the name of a program or partner, the code of a link, `00` to `23` for an hour, `MONDAY` to "
        "`SUNDAY` for a day, or any other text. Null if it is not known, or if your token cannot see the row."
    )


@strawberry.type(description="The counts of one combination of values in a breakdown.")
class BreakdownRow(ClickCounts):
    keys: list[BreakdownKey] = costly_value("A value for each dimension, in the order of `by`.", KEYS_COST)
    series: list[ClickBucket] | None = costly_value(
        "The counts over time, in order, empty buckets included. Null unless the breakdown has an `interval`.",
        PART_COST,
    )


@strawberry.type(description="The counts of all rows of a breakdown that follow a page.")
class BreakdownRest(ClickCounts):
    pass


@strawberry.type(description="One page of a breakdown.")
class BreakdownConnection:
    edges: list[Edge[BreakdownRow]] = value("The rows of the page, each with its cursor.")
    nodes: list[BreakdownRow] = value("The rows of the page.")
    page_info: PageInfo = value("The position of the page within the breakdown.")
    total_count: BigInt = value("The number of rows in the whole breakdown, or of those that a search finds.")
    rest: BreakdownRest = value(
        "The counts of all rows after this page. Together with this page and those before it, they add up to the "
        "report's totals, or to those of the rows that a search finds, except `visitors`: the different customers in "
        "all of these rows."
    )


BREAKDOWN_ARGUMENTS = [
    argument("by", list[ReportDimension], "One to three different dimensions."),
    argument(
        "interval",
        Interval | None,
        f"The length of the buckets of each row's `series`. There may be {BREAKDOWN_BUCKETS} buckets in all rows of a "
        "page together.",
    ),
    argument(
        "first",
        int | None,
        f"The number of rows to return, at most {BREAKDOWN_ROWS}. `0` still counts `totalCount` and `rest`.",
        default=20,
    ),
    argument(
        "after",
        str | None,
        "Return rows after this cursor, which must come from a breakdown with the same `by` and `orderBy`.",
    ),
    argument(
        "offset",
        int | None,
        "The number of rows to leave out before the page, after the cursor if there is one: `40` begins the third page "
        "of twenty rows.",
        default=0,
    ),
    argument(
        "search",
        list[str] | None,
        "Only rows with a value that contains one of these texts: a part of a name, a code, a URL or any other text. "
        f"{IGNORING_CASE} What is not known, and what your token cannot see, is not found, nor are hours and days. "
        f"There may be {SEARCH_TEXTS} texts of up to {SEARCH_LENGTH} characters.",
    ),
    argument("order_by", BreakdownOrder | None, "The sort order. By clicks, in descending order, by default."),
]
