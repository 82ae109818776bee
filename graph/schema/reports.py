"""The `clickReport` query: click counts as totals, time series, rankings and breakdowns.

It translates between the GraphQL types and `graph.reports`, which reads the counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from graph.domain.context import Context
from graph.domain.permissions import viewer_of
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.reports import reader as report_reader
from graph.reports.calendars import Interval
from graph.reports.requests import (
    BreakdownRequest,
    ClickReport,
    ReportRequest,
    Share,
    Top,
    check_breakdown,
    check_series,
    check_span,
    check_top,
)
from graph.schema.breakdowns import breakdown, breakdown_request
from graph.schema.count_objects import (
    CLICK_FIELDS,
    CONVERSION_FIELDS,
    MONEY_FIELDS,
    VISITORS,
    amounts_formatter,
    count_objects,
    names_in,
)
from graph.schema.report_dimensions import value_text
from graph.schema.report_filters import report_filter
from graph.schema.report_rows import ROW_DIMENSIONS, subject_rows

T = TypeVar("T")
Part: TypeAlias = Interval | Top | BreakdownRequest | str


async def click_report(context: Context, selection: SelectedField) -> CompletedValue:
    """Resolve `clickReport`. Raises `Unauthenticated`, `FieldInvalid`, `DatabaseAway`, `ReportTooLarge`."""
    viewer_of(context)
    wanted = [(field, _wanted(field)) for field in selection.subfields()]
    request = _request(selection.argument_values, wanted)
    check_span(request)
    for field, part in wanted:
        if isinstance(part, Interval | Top | BreakdownRequest):
            with field.location:
                _check(request, part)
    report = await report_reader.read(context, request)
    return CompletedValue({field.response_key: await _part(context, field, part, report) for field, part in wanted})


def _wanted(field: SelectedField) -> Part:
    """Return the series' interval, the ranking, the breakdown, or the name of any other field."""
    match field.name_or_typename:
        case "series":
            return Interval(field.argument_values.get("interval", Interval.DAY))
        case "top":
            given, names = field.argument_values, names_in(field)
            has_conversions = not names.isdisjoint(CONVERSION_FIELDS)
            return Top(given["by"].value, given.get("limit", 10), has_conversions, VISITORS in names)
        case "breakdown":
            return breakdown_request(field)
        case name:
            return name


def _request(given: Mapping[str, Any], wanted: Sequence[tuple[SelectedField, Part]]) -> ReportRequest:
    names = {part for _, part in wanted if not isinstance(part, Interval | Top | BreakdownRequest)}
    series = [(part, names_in(field)) for field, part in wanted if isinstance(part, Interval)]
    return ReportRequest(
        given["from"],
        given["to"],
        given["timezone"],
        report_filter(given.get("filter", {})),
        totals=not names.isdisjoint(CLICK_FIELDS),
        series=_unique(interval for interval, _ in series),
        tops=_unique(part for _, part in wanted if isinstance(part, Top)),
        conversion_totals=not names.isdisjoint(CONVERSION_FIELDS),
        conversion_series=_unique(interval for interval, inner in series if not inner.isdisjoint(CONVERSION_FIELDS)),
        visitors=VISITORS in names,
        visitor_series=_unique(interval for interval, inner in series if VISITORS in inner),
        breakdowns=_unique(part for _, part in wanted if isinstance(part, BreakdownRequest)),
    )


def _unique(parts: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(parts))


def _check(request: ReportRequest, part: Part) -> None:
    match part:
        case Interval():
            check_series(request, part)
        case Top():
            check_top(part)
        case BreakdownRequest():
            check_breakdown(request, part)


async def _part(context: Context, field: SelectedField, part: Part, report: ClickReport) -> Any:
    match part:
        case Interval():
            return count_objects(field, report.series[part], "start", "end")
        case Top():
            return await _shares(context, field, part.by, report.tops[part])
        case BreakdownRequest():
            return await breakdown(context, field, part, report.breakdowns[part])
        case "data_as_of":
            return report.data_as_of
        case str() if field.is_typename:
            return field.parent_type_name
        case str() if part in MONEY_FIELDS:
            return amounts_formatter(field)(getattr(report.totals, part))
        case str():
            return getattr(report.totals, part)


async def _shares(context: Context, field: SelectedField, by: str, shares: Sequence[Share]) -> Any:
    """Return a ranking. A ranking of rows also reads their names and whatever is selected of them."""
    if by not in ROW_DIMENSIONS:
        texts = [Share(value_text(by, share.value), share.counts) for share in shares]
        return count_objects(field, texts, "value")
    ids = [None if share.value is None else int(share.value) for share in shares]
    rows = await subject_rows(context, by, {id for id in ids if id is not None}, field.subfields())
    named = [
        Share(None if id is None else rows.names.get(id), share.counts) for id, share in zip(ids, shares, strict=True)
    ]
    found = {
        response_key: [None if id is None else objects.get(id) for id in ids]
        for response_key, objects in rows.objects.items()
    }
    return count_objects(field, named, "value", found=found)
