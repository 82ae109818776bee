"""The conditions on dimensions in a parameter of an export: JSON in the form of the GraphQL input."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import MsgspecError, Struct, json

from db.segments.questions import Condition
from graph.domain.errors import FieldInvalid
from graph.reports.dimensions import Dimension
from graph.reports.requests import CONDITION_VALUES, CONDITIONS
from graph.schema.dimension_conditions import conditions
from graph.schema.report_dimensions import FORMER_NAMES, ReportDimension

MOST_CONDITIONS, MOST_VALUES = CONDITIONS, CONDITION_VALUES
EXAMPLE = '[{"dimension": "COUNTRY", "notIn": ["DE"]}]'
DIMENSIONS = (*(each.name for each in Dimension), *FORMER_NAMES)
"""The names of the dimensions, the former ones last."""
Values: TypeAlias = list[str] | str | None
"""As in GraphQL, a value may stand for a list that has only this one."""


class _Given(Struct, forbid_unknown_fields=True, rename={"in_": "in", "not_in": "notIn", "is_known": "isKnown"}):
    dimension: str
    in_: Values = None
    not_in: Values = None
    prefix: str | None = None
    is_known: bool | None = None


def conditions_in(text: str, name: str) -> tuple[Condition, ...]:
    """Return the conditions that a text describes. Raises `FieldInvalid`, naming a parameter or a part of it."""
    try:
        given = json.decode(text, type=list[_Given] | _Given)
    except MsgspecError as error:
        raise FieldInvalid(name, f"must be a JSON array such as {EXAMPLE}: {error}") from error
    listed = given if isinstance(given, list) else [given]
    return conditions([_input(each, f"{name}[{at}]") for at, each in enumerate(listed)], name)


def _input(given: _Given, path: str) -> Mapping[str, Any]:
    """Return a condition as GraphQL hands it over."""
    if given.dimension not in DIMENSIONS:
        raise FieldInvalid(f"{path}.dimension", f"must be one of: {', '.join(each.name for each in Dimension)}")
    return {
        "dimension": ReportDimension[given.dimension],
        "in": _listed(given.in_),
        "notIn": _listed(given.not_in),
        "prefix": given.prefix,
        "isKnown": given.is_known,
    }


def _listed(values: Values) -> list[str] | None:
    return [values] if isinstance(values, str) else values
