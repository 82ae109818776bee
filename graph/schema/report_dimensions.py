"""The dimensions of reports in the schema, and how their values are written."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

import strawberry

from db.schema.visit_fields import VISIT_FIELDS
from db.segments.questions import Value
from graph.domain.errors import FieldInvalid
from graph.reports.dimensions import Dimension

FORMER_NAMES = {"PAGE": Dimension.LANDING_PAGE, "DEVICE": Dimension.DEVICE_TYPE}
DESCRIPTIONS: Mapping[Dimension, str] = {
    Dimension.PROGRAM: "The program.",
    Dimension.PARTNER: "The partner.",
    Dimension.LINK: "The referral link.",
    Dimension.LANDING_PAGE: "The URL of the page that the visitor came to, without its query.",
    Dimension.REFERRER_HOST: "The host of the page that the visitor came from.",
    Dimension.REFERRER: "The URL of the page that the visitor came from, without its query.",
    Dimension.COUNTRY: "The ISO 3166-1 alpha-2 code of the visitor's country.",
    Dimension.REGION: "The visitor's region.",
    Dimension.CITY: "The visitor's city.",
    Dimension.LANGUAGE: "The language of the browser.",
    Dimension.DEVICE_TYPE: "The type of device: `desktop`, `mobile`, `tablet`, `tv`, `console` or `other`.",
    Dimension.DEVICE_BRAND: "The brand of the device.",
    Dimension.OS: "The operating system.",
    Dimension.BROWSER: "The browser.",
    **{each: f"The `{each}` parameter of the landing URL." for each in Dimension if each.startswith("utm_")},
    **{each: f"The partner's own tag `{each}` in the landing URL." for each in Dimension if each.startswith("sub")},
    Dimension.HOUR_OF_DAY: "The hour of the day in the time zone of the report or list, from `00` to `23`.",
    Dimension.DAY_OF_WEEK: "The day of the week in the time zone of the report or list, from `MONDAY` to `SUNDAY`.",
}
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
HOURS = tuple(f"{hour:02}" for hour in range(24))
TIME_TEXTS: Mapping[str, tuple[str, ...]] = {Dimension.HOUR_OF_DAY: HOURS, Dimension.DAY_OF_WEEK: DAYS}
"""The values of times as texts, by their numbers."""
SPELLINGS: Mapping[str, Callable[[str], str]] = {
    field.dimension.name: field.filter.normalize
    for field in VISIT_FIELDS
    if field.dimension and field.filter and field.filter.normalize
}
"""Bring values into the form that is stored, as the filters of lists do."""


def _members() -> dict[str, Any]:
    members = {each.name: strawberry.enum_value(each.value, description=DESCRIPTIONS[each]) for each in Dimension}
    for name, each in FORMER_NAMES.items():
        members[name] = strawberry.enum_value(each.value, deprecation_reason=f"Use `{each.name}`.")
    return members


if TYPE_CHECKING:

    class ReportDimension(Enum):
        """What mypy sees of an enum that is made from a list."""
else:
    ReportDimension = strawberry.enum(
        Enum("ReportDimension", _members()),
        description="What clicks and conversions are told apart by in reports, and lists of clicks are filtered by.",
    )


def value_text(dimension: str, value: Value | None) -> str | None:
    """Return the text of a value of a time or a text dimension."""
    if value is None:
        return None
    return TIME_TEXTS[dimension][int(value)] if dimension in TIME_TEXTS else str(value)


def value_of(dimension: str, text: str, field: str) -> Value:
    """Return the value of a time or a text dimension that a client wrote. Raises `FieldInvalid`, naming the field."""
    texts = TIME_TEXTS.get(dimension)
    if texts is None:
        return SPELLINGS.get(dimension, str)(text)
    if text.upper() not in texts:
        raise FieldInvalid(field, f"must be one of {', '.join(texts)}" if texts is DAYS else "must be from 00 to 23")
    return texts.index(text.upper())
