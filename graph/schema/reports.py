"""`clickReport`: clicks counted over time and by what they have in common, from the rollups."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any

import strawberry
from msgspec.structs import astuple
from strawberry import ID

from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.domain.permissions import viewer_of
from graph.execution.cost_plan import COST
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.query.global_ids import decode_key
from graph.query.plan import Field, RowPlan
from graph.query.rows import snapshot_reader
from graph.reports import reader as report_reader
from graph.reports.calendars import Interval
from graph.reports.filters import ReportDimension
from graph.reports.requests import (
    FILTER_IDS,
    ClickReport,
    Counts,
    ReportFilter,
    ReportRequest,
    Share,
    Top,
    check_series,
    check_span,
    check_top,
)
from graph.schema.fields import argument, optional, value
from graph.schema.planner import Planner, QueryPlan
from graph.schema.scalars import BigInt
from graph.schema.types import PartnerType, ProgramType, ReferralLinkType

# What a part of a report costs beside an object: it reads some thousand rollups.
PART_COST = 20
COUNTED = {"clicks", *Counts.__struct_fields__}
# What each ranking of rows is told by: the kind of row, the field that holds it, and the column that names it.
NAMED = {
    ReportDimension.PROGRAM: ("Program", "program", "name"),
    ReportDimension.PARTNER: ("Partner", "partner", "name"),
    ReportDimension.LINK: ("ReferralLink", "referral_link", "code"),
}

strawberry.enum(
    Interval,
    name="ReportInterval",
    description="How long a bucket is, by the clock of the time zone. A week is Monday's.",
)
strawberry.enum(ReportDimension, name="ReportDimension", description="What clicks are told apart by.")


@strawberry.input(description="Which clicks count; all conditions must hold. Ids out of sight have no clicks.")
class ClickReportFilter:
    program_ids: list[ID] | None = optional("Only of these programs; at most 100.")
    partner_ids: list[ID] | None = optional("Only of these partners; at most 100.")
    referral_link_ids: list[ID] | None = optional("Only of these links; at most 100.")
    is_bot: bool | None = optional("Only bots, or only people.")


@strawberry.interface(description="How many clicks there were.")
class ClickCounts:
    clicks: BigInt = value("All clicks: people's and bots'.")
    people: BigInt = value("Clicks of people.")
    bots: BigInt = value("Clicks of crawlers and other programs.")
    customers: BigInt = value("Customers that these clicks created.")


@strawberry.type(description="A part of the span.")
class ClickBucket(ClickCounts):
    start: datetime = value("When it begins, with the time zone's offset.")
    end: datetime = value("When it ends, with the time zone's offset; the next one begins then.")


@strawberry.type(description="One value in a ranking.")
class ClickShare(ClickCounts):
    program: ProgramType | None = value("The program, in a ranking by `PROGRAM`.")
    partner: PartnerType | None = value("The partner, in a ranking by `PARTNER`.")
    referral_link: ReferralLinkType | None = value("The link, in a ranking by `LINK`.")
    value: str | None = value("The name, code, URL or term; null where it is not known.")


@strawberry.type(
    name="ClickReport", description="Clicks counted over a span of time; every part of it as of one moment."
)
class ClickReportType(ClickCounts):
    data_as_of: datetime = value("As of when everything was counted.")

    @strawberry.field(description="The counts over time, an empty bucket included.", metadata={COST: PART_COST})
    def series(
        self, interval: Annotated[Interval, strawberry.argument(description="How long a bucket is.")] = Interval.DAY
    ) -> list[ClickBucket]:
        raise LookupError("it is read with the report")

    @strawberry.field(description="The values with the most clicks, those first.", metadata={COST: PART_COST})
    def top(
        self,
        by: Annotated[ReportDimension, strawberry.argument(description="What is ranked.")],
        limit: Annotated[int, strawberry.argument(description="How many values; at most 100.")] = 10,
    ) -> list[ClickShare]:
        raise LookupError("it is read with the report")


REPORT_ARGUMENTS = [
    argument("from_", datetime, "When the span begins."),
    argument("to", datetime, "When it ends, at most 20 years later; clicks at that moment are not in it."),
    argument("filter", ClickReportFilter | None, "Which clicks count.", default=None),
    argument("timezone", str, "The IANA time zone whose clock buckets go by; its name in any case.", default="UTC"),
]


async def click_report(context: Context, selection: SelectedField) -> CompletedValue:
    """Count clicks. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseUnavailable`."""
    viewer_of(context)
    given, parts = selection.argument_values, selection.subfields()
    names = [part.name_or_typename for part in parts]
    request = ReportRequest(
        given["from"],
        given["to"],
        given["timezone"],
        _filter(given.get("filter", {})),
        totals=not COUNTED.isdisjoint(names),
        series=tuple({_interval(part): None for part, name in zip(parts, names, strict=True) if name == "series"}),
        tops=tuple({_top(part): None for part, name in zip(parts, names, strict=True) if name == "top"}),
    )
    check_span(request)
    for part, name in zip(parts, names, strict=True):
        with part.location:
            if name == "series":
                check_series(request, _interval(part))
            elif name == "top":
                check_top(_top(part))
    report = await report_reader.read(context, request)
    return CompletedValue({part.response_key: await _part(context, part, report) for part in parts})


def _filter(given: Mapping[str, Any]) -> ReportFilter:
    def ids(name: str, entity: str) -> tuple[int, ...] | None:
        listed = given.get(name)
        if listed is None:
            return None
        if len(listed) > FILTER_IDS:
            raise FieldInvalid(f"filter.{name}", f"must have at most {FILTER_IDS} ids")
        return tuple(decode_key(id, entity, f"filter.{name}[{at}]")[0] for at, id in enumerate(listed))

    return ReportFilter(
        ids("programIds", "Program"),
        ids("partnerIds", "Partner"),
        ids("referralLinkIds", "ReferralLink"),
        given.get("isBot"),
    )


def _interval(part: SelectedField) -> Interval:
    return Interval(part.argument_values.get("interval", Interval.DAY))


def _top(part: SelectedField) -> Top:
    given = part.argument_values
    return Top(ReportDimension(given["by"]), given.get("limit", 10))


async def _part(context: Context, part: SelectedField, report: ClickReport) -> Any:
    if part.is_typename:
        return part.parent_type_name
    match part.name:
        case "series":
            return _counted(part, "start", "end")(report.series[_interval(part)])
        case "top":
            return await _shares(context, part, report.tops[_top(part)])
        case "data_as_of":
            return report.data_as_of
    return getattr(report.totals, part.name)


async def _shares(context: Context, part: SelectedField, shares: Sequence[Share]) -> Any:
    """Answer a ranking; where it is of rows, with their names and whatever is selected of them."""
    by = _top(part).by
    if by not in NAMED:
        return _counted(part, "value")(shares)
    entity, field, name = NAMED[by]
    named = {"ids": [int(share.value) for share in shares if share.value is not None]}
    planner = Planner()
    rows = [each for each in part.subfields() if each.name_or_typename == field]
    wanted = [(each.response_key, planner.row(each.type, each.subfields())) for each in rows]
    values = QueryPlan(None, planner.pages).values(part.look_ahead.variables)
    async with snapshot_reader(context, values) as reader:
        labels = await reader.rows(RowPlan(entity, (Field("name", name),)), "ids", named)
        found = {answer: await reader.rows(plan, "ids", named) for answer, plan in wanted}
    keys = [(int(share.value or 0),) for share in shares]
    named_shares = [
        Share(astuple(labels[key])[0] if key in labels else None, share.counts)
        for key, share in zip(keys, shares, strict=True)
    ]
    answers = _counted(part, "value")(named_shares)
    return [
        answer | {answer_name: found[answer_name].get(key) for answer_name in found}
        for key, answer in zip(keys, answers, strict=True)
    ]


def _counted(part: SelectedField, *names: str) -> Callable[[Sequence[Any]], list[dict[str, Any]]]:
    """Return what makes answers of rows, each of values of the fields with these names, which are their own, and of
    counts; other fields are null."""
    known = {name: f"counts.{name}" for name in COUNTED} | {name: name for name in names}
    wanted = part.subfields()
    answers = [each.response_key for each in wanted]
    # The others take the place of any value.
    others = {
        each.response_key: each.parent_type_name if each.is_typename else None
        for each in wanted
        if each.is_typename or each.name not in known
    }
    # Of two attributes or more, so that their values come as a tuple.
    take = attrgetter(*(known.get(each.name_or_typename, "counts") for each in wanted), "counts", "counts")
    if others:
        return lambda rows: [dict(zip(answers, take(row), strict=False)) | others for row in rows]
    return lambda rows: [dict(zip(answers, take(row), strict=False)) for row in rows]
