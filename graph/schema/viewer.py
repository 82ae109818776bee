"""The caller, as its token describes it."""

import strawberry

from graph.domain.context import Context
from graph.domain.permissions import viewer_of
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.query.global_ids import RowRef
from graph.schema import resolvers
from graph.schema.fields import value
from graph.schema.token_filters import TokenRole
from graph.schema.types import PartnerType, ProgramType


@strawberry.type(name="Viewer", description="Who is asking, as told by the token.")
class ViewerType:
    role: TokenRole = value("Whose data the token shows.")
    program: ProgramType | None = value("The program that the token is bound to.")
    partner: PartnerType | None = value("The partner that the token is bound to.")


async def viewer(context: Context, selection: SelectedField) -> CompletedValue:
    asking = viewer_of(context)
    program = None if asking.program_id is None else RowRef("Program", (asking.program_id,))
    partner = None if asking.partner_id is None else RowRef("Partner", (asking.partner_id,))
    values = {"role": asking.role.upper(), "program": program, "partner": partner}
    return await resolvers.compose(context, selection, values)
