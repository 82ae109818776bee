"""The parameters that filter an export, from the filters of the GraphQL lists: the same names, types and meaning.

This module imports Strawberry, which takes a while, so clicks must not wait for it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

from strawberry import ID
from strawberry.types import get_object_definition
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from graph.domain.errors import FieldInvalid
from graph.domain.times import parsed_time
from graph.exports.conditions import conditions_in
from graph.query.page_values import GivenFilter
from graph.schema.click_filters import ClickEventFilter
from graph.schema.commission_filters import CommissionFilter, PayoutFilter
from graph.schema.conversion_filters import LeadEventFilter, RefundFilter, SaleFilter
from graph.schema.customer_filters import CustomerFilter
from graph.schema.dimension_conditions import DimensionCondition
from graph.schema.link_filters import ReferralLinkFilter
from graph.schema.partner_filters import PartnerFilter
from graph.schema.program_filters import ProgramFilter

Kind: TypeAlias = Literal["id", "text", "flag", "time", "choice", "conditions"]
FILTERS: Mapping[str, type] = {
    "clicks": ClickEventFilter,
    "links": ReferralLinkFilter,
    "customers": CustomerFilter,
    "leads": LeadEventFilter,
    "sales": SaleFilter,
    "refunds": RefundFilter,
    "commissions": CommissionFilter,
    "payouts": PayoutFilter,
    "partners": PartnerFilter,
    "programs": ProgramFilter,
}
KINDS: Mapping[object, Kind] = {ID: "id", str: "text", bool: "flag", datetime: "time", DimensionCondition: "conditions"}
FLAGS = {"true": True, "false": False}


class Parameter(NamedTuple):
    """A parameter that filters a list: its name, the filter's name in `graph.query.entities`, and what it takes."""

    name: str
    filter: str
    description: str
    kind: Kind
    choices: Mapping[str, Enum]
    """The values of a choice, by the names that clients send."""

    def value(self, text: str) -> Any:
        """Return the value that a text stands for. Raises `FieldInvalid`."""
        match self.kind:
            case "flag" if text in FLAGS:
                return FLAGS[text]
            case "flag":
                raise FieldInvalid(self.name, "must be true or false")
            case "choice" if text in self.choices:
                return self.choices[text]
            case "choice":
                raise FieldInvalid(self.name, f"must be one of: {', '.join(self.choices)}")
            case "time":
                if (time := parsed_time(text)) is None:
                    example = '"2026-05-01T12:00:00Z"'
                    raise FieldInvalid(self.name, f"must be an RFC 3339 timestamp with a UTC offset, such as {example}")
                return time
            case "conditions":
                return conditions_in(text, self.name)
        return text


@cache
def parameters(name: str) -> Mapping[str, Parameter]:
    """Return the parameters that filter a list, by name."""
    fields = get_object_definition(FILTERS[name], strict=True).fields
    found = map(_parameter, fields)
    return {parameter.name: parameter for parameter in found}


def given_filters(name: str, given: Iterable[tuple[str, str]]) -> dict[str, GivenFilter]:
    """Return the filters of a list that a request's parameters stand for. Raises `FieldInvalid`."""
    known, found = parameters(name), dict[str, GivenFilter]()
    for spelled, text in given:
        if spelled not in known:
            raise FieldInvalid(spelled, f"is unknown. The parameters are: {', '.join([*known, 'after'])}")
        parameter = known[spelled]
        if parameter.filter in found:
            raise FieldInvalid(spelled, "is given more than once")
        found[parameter.filter] = GivenFilter(spelled, parameter.value(text))
    return found


def _parameter(field: StrawberryField) -> Parameter:
    type_ = field.type.of_type if isinstance(field.type, StrawberryOptional) else field.type
    if isinstance(type_, StrawberryList):
        type_ = type_.of_type
    choices: Mapping[str, Enum] = {}
    if isinstance(type_, StrawberryEnumDefinition):
        choices = {value.name: type_.wrapped_cls[value.name] for value in type_.values}
    kind = "choice" if choices else KINDS[type_]
    return Parameter(to_camel_case(field.python_name), field.python_name, field.description or "", kind, choices)
