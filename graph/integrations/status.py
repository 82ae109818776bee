"""A program's status in short: what it is, what happened today, and what waits."""

from dataclasses import dataclass

from sqlalchemy import func, not_, select

from db.schema.commissions import Commission
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from graph.domain.commission_status import is_hold_over
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid, UnknownProgram, outages
from graph.domain.permissions import check_manager_of, viewer_of
from graph.domain.tracked_tests import named_program
from graph.integrations.activity import DayCounts, count_day, counted_rows


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """A program's status. Commissions are counted as pending that are neither approved nor rejected yet."""

    program_id: int
    name: str
    domain: str | None
    recent_events: DayCounts
    active_partners: int
    pending_commissions: int


async def read_status(context: Context, named: str | None) -> ProgramStatus:
    """Return the status of a program, named by its id as text; of the token's own if none is named. Raises
    `Unauthenticated`, `Forbidden`, `FieldInvalid` for an administrator who names none, `UnknownProgram` for one out of
    the token's scope, `DatabaseAway`."""
    viewer = viewer_of(context)
    with outages():
        program_id = await named_program(context, named or None) or viewer.program_id
        if program_id is None:
            raise FieldInvalid("program_id", "is required for an administrator's token")
        check_manager_of(context, program_id)
        counts = await count_day(context, program_id)
        pending = select(Commission.id).where(
            Commission.program_id == program_id,
            Commission.payout_id.is_(None),
            Commission.status == "pending",
            not_(is_hold_over(Commission, context.services.clock())),
        )
        members = select(func.count()).where(PartnerProgram.program_id == program_id)
        asked = select(Program.name, Program.domain, members.scalar_subquery(), counted_rows(pending))
        async with context.services.store.read() as connection:
            found = (await connection.execute(asked.where(Program.id == program_id))).one_or_none()
    if found is None:
        raise UnknownProgram
    name, domain, partners, waiting = found
    return ProgramStatus(program_id, name, domain, counts, partners, waiting)
