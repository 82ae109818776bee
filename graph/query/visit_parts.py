"""The filters and the computed values of a visit's fields, from the list of them."""

from collections.abc import Callable

from db.schema.clicks import value_of
from db.schema.visit_fields import VISIT_FIELDS, VisitField
from graph.query.entity import Attribute, Filter
from graph.query.shared_parts import json_value


def _by_field(field: VisitField, spell: Callable[[str], str] | None) -> Filter:
    return Filter(lambda row, value: value_of(row, field) == value, None, spell)


def _attribute(field: VisitField) -> Attribute:
    return json_value(field.name) if field.type == "json" else Attribute(lambda row: [value_of(row, field)])


BY_VISIT = {field.name: _by_field(field, field.filter.normalize) for field in VISIT_FIELDS if field.filter is not None}
VISIT_ATTRIBUTES = {field.name: _attribute(field) for field in VISIT_FIELDS if field.type == "json" or field.same_as}
