"""Conditions on dimensions, which reports and lists of clicks share."""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from db.segments.questions import TIMES, Condition, HasPrefix, In, IsKnown, Value
from graph.domain.errors import FieldInvalid
from graph.query.global_ids import decode_key
from graph.reports.dimensions import Dimension
from graph.reports.requests import CONDITION_VALUES, CONDITIONS
from graph.schema.fields import optional, value
from graph.schema.report_dimensions import ReportDimension, value_of

# Longer than any value that is stored.
CONDITION_TEXT = 2048
KINDS = ("in", "notIn", "prefix", "isKnown")
# The dimensions whose values are rows, named by global ids.
ROW_TYPES: Mapping[str, str] = {
    Dimension.PROGRAM: "Program",
    Dimension.PARTNER: "Partner",
    Dimension.LINK: "ReferralLink",
}
VALUES = (
    f"At most {CONDITION_VALUES}: global ids for `PROGRAM`, `PARTNER` and `LINK`, `00` to `23` for `HOUR_OF_DAY`, "
    "`MONDAY` to `SUNDAY` for `DAY_OF_WEEK`, and texts for all others. Country codes, device types and hosts "
    "match in any case."
)


@strawberry.input(
    description="A condition on a dimension, with exactly one of `in`, `notIn`, `prefix` and `isKnown`. Texts are "
    "compared exactly unless it says otherwise."
)
class DimensionCondition:
    dimension: ReportDimension = value("The dimension.")
    in_: list[str] | None = strawberry.field(
        name="in", default=strawberry.UNSET, description=f"Only clicks with one of these values. {VALUES}"
    )
    not_in: list[str] | None = optional(
        f"Only clicks with none of these values; those without a known value are kept. {VALUES}"
    )
    prefix: str | None = optional(
        "Only clicks whose value begins with this text. Not for ids, `HOUR_OF_DAY` and `DAY_OF_WEEK`."
    )
    is_known: bool | None = optional("Only clicks whose value is known (`true`), or only those where it is not.")


def conditions(given: Sequence[Mapping[str, Any]], path: str) -> tuple[Condition, ...]:
    """Return the conditions that a list of `DimensionCondition` describes. Raises `FieldInvalid`, naming the field
    below the path of the list."""
    if len(given) > CONDITIONS:
        raise FieldInvalid(path, f"must have at most {CONDITIONS} conditions")
    return tuple(_condition(each, f"{path}[{at}]") for at, each in enumerate(given))


def _condition(given: Mapping[str, Any], path: str) -> Condition:
    dimension = given["dimension"].value
    match [(kind, given[kind]) for kind in KINDS if given.get(kind) is not None]:
        case [("in" | "notIn" as kind, texts)]:
            return In(dimension, _values(dimension, texts, f"{path}.{kind}"), kind == "notIn")
        case [("prefix", text)]:
            if dimension in ROW_TYPES or dimension in TIMES:
                raise FieldInvalid(f"{path}.prefix", f"cannot be used with {given['dimension'].name}")
            return HasPrefix(dimension, str(_value(dimension, text, f"{path}.prefix")))
        case [("isKnown", is_known)]:
            return IsKnown(dimension, is_known)
    raise FieldInvalid(path, "must have exactly one of in, notIn, prefix and isKnown")


def _values(dimension: str, texts: Sequence[str], path: str) -> frozenset[Value]:
    if len(texts) > CONDITION_VALUES:
        raise FieldInvalid(path, f"must have at most {CONDITION_VALUES} values")
    return frozenset(_value(dimension, text, f"{path}[{at}]") for at, text in enumerate(texts))


def _value(dimension: str, text: str, path: str) -> Value:
    if dimension in ROW_TYPES:
        return decode_key(text, ROW_TYPES[dimension], path)[0]
    if len(text) > CONDITION_TEXT:
        raise FieldInvalid(path, f"must have at most {CONDITION_TEXT} characters")
    if "\0" in text:
        raise FieldInvalid(path, "must not contain NUL characters")
    return value_of(dimension, text, path)
