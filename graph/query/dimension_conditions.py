"""The conditions on dimensions in the filter of a list of clicks: those of reports, as SQL, with the same result.

A condition on a text or a time is tested while a list is read in its order, like any other filter.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Text, bindparam, false, func, not_, or_, select, true
from sqlalchemy.orm import aliased

from db.segments.questions import TIMES, Condition, HasPrefix, In, IsKnown
from db.sql.dimension_functions import among_found
from db.sql.functions import Ids, Texts, among, microseconds_of
from graph.domain.errors import FieldInvalid
from graph.domain.scope import Audience, visible, withheld
from graph.query.click_dimensions import SUBJECTS, TIME_DIMENSIONS, VISIT_DIMENSIONS, text_of
from graph.query.entities import ENTITIES
from graph.query.entity import MappedRow
from graph.query.plan import ConditionForm, PagePlan
from graph.reports.calendars import zone_of
from graph.reports.requests import FIRST_YEAR, LAST_YEAR, LONGEST, LONGEST_YEARS
from graph.reports.zone_offsets import zone_offsets

PERIOD = ("occurred_from", "occurred_to")
ZONE_STARTS, ZONE_OFFSETS = "zone_starts", "zone_offsets"


def form_of(condition: Condition) -> ConditionForm:
    """Return a condition without its values."""
    match condition:
        case In(dimension, _, is_excluded):
            return ConditionForm(dimension, "not in" if is_excluded else "in")
        case HasPrefix(dimension, _):
            return ConditionForm(dimension, "prefix")
        case IsKnown(dimension, is_known):
            return ConditionForm(dimension, "known" if is_known else "not known")


def condition_value(condition: Condition) -> Any:
    """Return the parameter of a condition, named as `parameter_of` says: a sorted list, a text, or None."""
    match condition:
        case In(_, values, _):
            return sorted(values)
        case HasPrefix(_, prefix):
            return prefix
        case IsKnown():
            return None


def parameter_of(number: int) -> str:
    """Return the name of the parameter of a page's condition."""
    return f"condition{number}"


def clock_values(
    conditions: Sequence[Condition], zone: str, given: Mapping[str, Any], spelled: str
) -> dict[str, Sequence[int]]:
    """Return the parameters of hours and days, if there are conditions on them: the offsets of a time zone in the
    period that the other filters confine the list to. Raises `FieldInvalid`."""
    if not any(condition.dimension in TIMES for condition in conditions):
        return {}
    start, end = (given.get(name) for name in PERIOD)
    if start is None or end is None or not _is_usable(start, end):
        raise FieldInvalid(
            spelled,
            "can use HOUR_OF_DAY and DAY_OF_WEEK only together with occurredFrom and occurredTo, which must be at most "
            f"{LONGEST_YEARS} years apart and lie between the years {FIRST_YEAR} and {LAST_YEAR}",
        )
    # Whole years, so that the lists of a zone nearly all have the same offsets.
    first, last = start.astimezone(UTC).year, end.astimezone(UTC).year
    years = datetime(first, 1, 1, tzinfo=UTC), datetime(max(first, last) + 1, 1, 1, tzinfo=UTC)
    (_, earliest), *later = zone_offsets(*years, zone_of(zone))
    return {
        ZONE_STARTS: [0, *(each.from_at for each in later)],
        ZONE_OFFSETS: [earliest, *(each.offset for each in later)],
    }


def _is_usable(start: datetime, end: datetime) -> bool:
    return all(FIRST_YEAR <= each.year <= LAST_YEAR for each in (start, end)) and end - start <= LONGEST


class DimensionConditions:
    """The conditions on dimensions of one page, for one audience, perhaps without the one with a certain number."""

    def __init__(self, page: PagePlan, audience: Audience, *, without: int | None = None) -> None:
        self._page = page
        self._forms = {number: form for number, form in enumerate(page.conditions) if number != without}
        self._audience: Audience = audience

    def of(self, row: MappedRow) -> Sequence[ColumnElement[bool]]:
        """Return the conditions on a row."""
        return [self._condition(row, number, form) for number, form in self._forms.items()]

    def _condition(self, row: MappedRow, number: int, form: ConditionForm) -> ColumnElement[bool]:
        name = self._page.value(parameter_of(number))
        if form.dimension in VISIT_DIMENSIONS:
            return self._of_text(row, form, name)
        # Every click has a program, a partner, a link and a time.
        if form.kind in ("known", "not known"):
            return true() if form.kind == "known" else false()
        found = self._of_subject(row, form, name) if form.dimension in SUBJECTS else self._of_time(row, form, name)
        return not_(found) if form.kind == "not in" else found

    def _of_text(self, row: MappedRow, form: ConditionForm, name: str) -> ColumnElement[bool]:
        if withheld(row, VISIT_DIMENSIONS[form.dimension].name, self._audience):
            return false()  # or what is hidden could be guessed
        value = text_of(row, form.dimension)
        match form.kind:
            case "in":
                return among(value, bindparam(name, type_=Texts()))
            case "not in":
                return or_(value.is_(None), not_(among(value, bindparam(name, type_=Texts()))))
            case "prefix":
                prefix: BindParameter[str] = bindparam(name, type_=Text)
                return func.substr(value, 1, func.length(prefix)) == prefix
            case "known":
                return value.is_not(None)
            case "not known":
                return value.is_(None)

    def _of_subject(self, row: MappedRow, form: ConditionForm, name: str) -> ColumnElement[bool]:
        """Return whether a row is of one of some programs, partners or links, as far as the viewer can see these."""
        column, entity = SUBJECTS[form.dimension]
        named: MappedRow = aliased(ENTITIES[entity].table)
        wanted = among(named.id, bindparam(name, type_=Ids()))
        found = select(named.id).where(wanted, visible(named, self._audience))
        return among_found(getattr(row, column), found.scalar_subquery())

    def _of_time(self, row: MappedRow, form: ConditionForm, name: str) -> ColumnElement[bool]:
        clocks = [bindparam(self._page.value(part), type_=Ids()) for part in (ZONE_STARTS, ZONE_OFFSETS)]
        value = TIME_DIMENSIONS[form.dimension](microseconds_of(row.occurred_at), *clocks)
        return among(value, bindparam(name, type_=Ids()))
