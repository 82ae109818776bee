"""The `clickReport` query: click counts as totals, time series and rankings.

It translates between the GraphQL types and `graph.reports`, which reads the counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.domain.money import Money
from graph.domain.permissions import viewer_of
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.query.amounts import money_formatter
from graph.query.global_ids import decode_key
from graph.query.plan import Field, RowPlan
from graph.query.response_objects import build_objects, object_type
from graph.query.rows import snapshot_reader
from graph.reports import reader as report_reader
from graph.reports.calendars import Interval
from graph.reports.filters import RankingDimension
from graph.reports.requests import (
    FILTER_IDS,
    ClickReport,
    ReportFilter,
    ReportRequest,
    Share,
    Top,
    check_series,
    check_span,
    check_top,
)
from graph.schema.planner import Planner, QueryPlan, plain_parts

NOTHING: Mapping[str, Sequence[Any]] = {}
CONVERSION_FIELDS = {"leads", "sales", "revenue", "earnings", "conversion_rate"}
CLICK_FIELDS = {"clicks", "people", "bots", "customers", "conversion_rate"}
COUNT_FIELDS = CLICK_FIELDS | CONVERSION_FIELDS
MONEY_FIELDS = {"revenue", "earnings"}
# The rankings whose values are rows: the type, the field that holds the row, and the column to show as `value`.
ROW_DIMENSIONS = {
    RankingDimension.PROGRAM: ("Program", "program", "name"),
    RankingDimension.PARTNER: ("Partner", "partner", "name"),
    RankingDimension.LINK: ("ReferralLink", "referral_link", "code"),
}


async def click_report(context: Context, selection: SelectedField) -> CompletedValue:
    """Resolve `clickReport`. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseAway`."""
    viewer_of(context)
    given, parts = selection.argument_values, selection.subfields()
    wanted = [(part, _wanted(part)) for part in parts]
    request = ReportRequest(
        given["from"],
        given["to"],
        given["timezone"],
        _filter(given.get("filter", {})),
        totals=any(name in CLICK_FIELDS for _, name in wanted),
        series=tuple({interval: None for _, interval in wanted if isinstance(interval, Interval)}),
        tops=tuple({top: None for _, top in wanted if isinstance(top, Top)}),
        conversion_totals=any(name in CONVERSION_FIELDS for _, name in wanted),
        conversion_series=tuple(
            {each: None for part, each in wanted if isinstance(each, Interval) and _has_conversions(part)}
        ),
    )
    check_span(request)
    for part, which in wanted:
        with part.location:
            if isinstance(which, Interval):
                check_series(request, which)
            elif isinstance(which, Top):
                check_top(which)
    report = await report_reader.read(context, request)
    return CompletedValue({part.response_key: await _part(context, part, which, report) for part, which in wanted})


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


def _wanted(part: SelectedField) -> Interval | Top | str:
    """Return the series' interval, the ranking, or the name of any other field."""
    match part.name_or_typename:
        case "series":
            return Interval(part.argument_values.get("interval", Interval.DAY))
        case "top":
            given = part.argument_values
            return Top(RankingDimension(given["by"]), given.get("limit", 10), _has_conversions(part))
        case name:
            return name


def _has_conversions(part: SelectedField) -> bool:
    return any(each.name_or_typename in CONVERSION_FIELDS for each in part.subfields())


async def _part(context: Context, part: SelectedField, which: Interval | Top | str, report: ClickReport) -> Any:
    match which:
        case Interval():
            return _objects(part, report.series[which], "start", "end")
        case Top():
            return await _shares(context, part, which.by, report.tops[which])
        case "data_as_of":
            return report.data_as_of
        case str() if part.is_typename:
            return part.parent_type_name
        case str() if which in MONEY_FIELDS:
            return _shown(part)(getattr(report.totals, which))
        case str():
            return getattr(report.totals, which)


async def _shares(context: Context, part: SelectedField, by: RankingDimension, shares: Sequence[Share]) -> Any:
    """Return a ranking. A ranking of rows also reads their names and whatever is selected of them."""
    if by not in ROW_DIMENSIONS:
        return _objects(part, shares, "value")
    entity, field, name = ROW_DIMENSIONS[by]
    named = {"ids": [int(share.value) for share in shares if share.value is not None]}
    planner = Planner()
    rows = [each for each in part.subfields() if each.name_or_typename == field]
    row_plans = [(each.response_key, planner.row(each.type, each.subfields())) for each in rows]
    values = QueryPlan(None, planner.pages).values(part.look_ahead.variables)
    async with snapshot_reader(context, values) as reader:
        labels = await reader.rows(RowPlan(entity, (Field("name", name),)), "ids", named)
        nodes = {response_key: await reader.rows(plan, "ids", named) for response_key, plan in row_plans}
    keys = [(int(share.value or 0),) for share in shares]
    named_shares = [
        Share(astuple(labels[key])[0] if key in labels else None, share.counts)
        for key, share in zip(keys, shares, strict=True)
    ]
    found = {response_key: [rows.get(key) for key in keys] for response_key, rows in nodes.items()}
    return _objects(part, named_shares, "value", found=found)


def _objects(
    part: SelectedField, rows: Sequence[Any], *names: str, found: Mapping[str, Sequence[Any]] = NOTHING
) -> Sequence[Struct]:
    """Turn rows into objects. `names` are the attributes of a row besides its counts, and `found` are the values of
    other fields by response key; those without values are null."""
    selected = part.subfields()
    new = object_type([each.response_key for each in selected])
    counts = [row.counts for row in rows]

    def values(each: SelectedField) -> Iterable[Any]:
        if each.is_typename:
            return repeat(each.parent_type_name, len(rows))
        if each.name in MONEY_FIELDS:
            return map(_shown(each), map(attrgetter(each.name), counts))
        if each.name in COUNT_FIELDS:
            return map(attrgetter(each.name), counts)
        if each.name in names:
            return map(attrgetter(each.name), rows)
        return found.get(each.response_key) or repeat(None, len(rows))

    return build_objects(new, map(values, selected), len(rows))


def _shown(part: SelectedField) -> Callable[[Sequence[Money]], Sequence[Any]]:
    """Return the function that turns amounts into objects with the selected fields."""
    show = money_formatter(plain_parts(part.subfields()))
    return lambda amounts: [show(amount) for amount in amounts]
