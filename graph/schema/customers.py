"""The query that finds a customer by `clickId` or global id."""

from db.ingest.clicks.pending_clicks import CLICK_ID
from graph.domain.context import Context
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.schema import resolvers


async def customer(context: Context, selection: SelectedField) -> CompletedValue:
    name, value = resolvers.only_argument(selection, "clickId", "id")
    if name == "id":
        return await resolvers.row_by_id(context, selection, value)
    match = CLICK_ID.fullmatch(value)
    number = int(match[1]) if match else 0
    return await resolvers.row(
        context, selection, "Customer", "click_id", id=number, click_id=resolvers.text_argument(name, value)
    )
