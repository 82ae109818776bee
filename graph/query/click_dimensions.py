"""The dimensions of clicks as SQL: what the conditions of a list compare, equal to what segments have for reports."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, func, literal_column

from db.schema.clicks import value_of
from db.schema.visit_fields import VISIT_FIELDS, VisitField
from db.segments.columns import URL_LENGTH
from db.segments.questions import DAY_OF_WEEK, HOUR_OF_DAY, LINK, PARTNER, PROGRAM
from db.sql.dimension_functions import local_hour, local_weekday, page_of_url
from graph.query.entity import MappedRow


class Subject(NamedTuple):
    """A dimension whose values are ids: the column, and the entity of the rows that these name."""

    column: str
    entity: str


SUBJECTS: Mapping[str, Subject] = {
    LINK: Subject("link_id", "ReferralLink"),
    PARTNER: Subject("partner_id", "Partner"),
    PROGRAM: Subject("program_id", "Program"),
}
"""In the order in which they are preferred to divide a list: the fewest clicks first."""
VISIT_DIMENSIONS: Mapping[str, VisitField] = {field.dimension.name: field for field in VISIT_FIELDS if field.dimension}
TIME_DIMENSIONS: Mapping[str, Callable[[Any, BindParameter[Any], BindParameter[Any]], ColumnElement[int]]] = {
    HOUR_OF_DAY: local_hour,
    DAY_OF_WEEK: local_weekday,
}


def text_of(row: MappedRow, dimension: str) -> ColumnElement[Any]:
    """Return a click's text in a dimension, null where it is not known."""
    field = VISIT_DIMENSIONS[dimension]
    value = value_of(row, field)
    if field.dimension is not None and field.dimension.is_url:
        value = page_of_url(value, literal_column(str(URL_LENGTH)))
    return func.nullif(value, literal_column("''"))
