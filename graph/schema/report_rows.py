"""The programs, partners and links that reports tell clicks apart by: their names, and what is selected of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import astuple

from graph.domain.context import Context
from graph.execution.selections import SelectedField
from graph.query import rows
from graph.query.plan import Field, RowPlan
from graph.reports.dimensions import Dimension
from graph.schema.planner import Planner, QueryPlan


class RowDimension(NamedTuple):
    """A dimension whose values are rows: the type, the field that holds the row, and the column to show as `value`."""

    entity: str
    field: str
    name: str


ROW_DIMENSIONS: Mapping[str, RowDimension] = {
    Dimension.PROGRAM: RowDimension("Program", "program", "name"),
    Dimension.PARTNER: RowDimension("Partner", "partner", "name"),
    Dimension.LINK: RowDimension("ReferralLink", "referral_link", "code"),
}


class SubjectRows(NamedTuple):
    """The rows that a viewer may see, by id: their names, and for each response key the objects selected."""

    names: Mapping[int, str]
    objects: Mapping[str, Mapping[int, Any]]


NO_ROWS = SubjectRows({}, {})


async def subject_rows(
    context: Context, dimension: str, ids: Collection[int], fields: Sequence[SelectedField]
) -> SubjectRows:
    """Read the rows of some ids for those of the selected fields that hold them. Raises `GraphQLError`,
    `DatabaseAway`."""
    entity, field, column = ROW_DIMENSIONS[dimension]
    planner = Planner()
    holders = [each for each in fields if each.name_or_typename == field]
    plans = {each.response_key: planner.row(each.type, each.subfields()) for each in holders}
    values = QueryPlan(None, planner.pages).values(holders[0].look_ahead.variables) if holders else {}
    has_names = any(each.name_or_typename == "value" for each in fields)
    if not ids or not (plans or has_names):
        return NO_ROWS
    named = {"ids": list(ids)}
    label = RowPlan(entity, (Field("name", column),))

    async def read(reader: rows.Reader) -> SubjectRows:
        labels = await reader.rows(label, "ids", named) if has_names else {}
        objects = {response_key: await reader.rows(plan, "ids", named) for response_key, plan in plans.items()}
        return SubjectRows(
            {id: astuple(label)[0] for (id,), label in labels.items()},
            {response_key: {id: row for (id,), row in found.items()} for response_key, found in objects.items()},
        )

    return await rows.read(context, values, read)
