"""The `viewer` query: the role of the caller's token, and what the token is bound to."""

import strawberry

from graph.domain.context import Context
from graph.domain.permissions import viewer_of
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.query.global_ids import RowRef
from graph.schema import resolvers
from graph.schema.fields import value
from graph.schema.token_filters import RoleType
from graph.schema.types import PartnerType, ProgramType


@strawberry.type(name="Viewer", description="The caller, as identified by its token.")
class ViewerType:
    role: RoleType = value("What the token can read and change.")
    program: ProgramType | None = value(
        "The program that the token is bound to. Null for admin tokens, for partner tokens that cover all of the "
        "partner's programs, and for tracking tokens, which cannot read anything."
    )
    partner: PartnerType | None = value("The partner that the token is bound to. Null unless the role is `PARTNER`.")


async def viewer(context: Context, selection: SelectedField) -> CompletedValue:
    asking = viewer_of(context)
    program = None if asking.program_id is None else RowRef("Program", (asking.program_id,))
    partner = None if asking.partner_id is None else RowRef("Partner", (asking.partner_id,))
    values = {"role": asking.role.upper(), "program": program, "partner": partner}
    return await resolvers.compose(context, selection, values)
