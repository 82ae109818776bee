"""The subscription root: clicks as they are committed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, cast

import strawberry
from strawberry import ID, Info

from graph.domain.permissions import viewer_of
from graph.execution.executor import CompletedValue, selected_field
from graph.query import live_clicks
from graph.query.global_ids import decode_key
from graph.schema.planner import plan_row
from graph.schema.types import ClickEventType


@strawberry.type(description="Everything that can be subscribed to.")
class Subscription:
    @strawberry.subscription(
        description="Emits each click that your token can see as soon as it is committed, whichever gateway recorded "
        "it. A click is delivered at most once, and a client that falls behind misses some. The subscription ends "
        "when the token expires or is revoked."
    )
    async def click_tracked(
        self,
        info: Info,
        program_id: Annotated[ID | None, strawberry.argument(description="Only emit clicks for this program.")] = None,
        link_id: Annotated[ID | None, strawberry.argument(description="Only emit clicks through this link.")] = None,
    ) -> AsyncGenerator[ClickEventType, None]:
        viewer_of(info.context)
        selection = selected_field(info)
        plan = plan_row(selection)
        values = plan.values(selection.look_ahead.variables)
        program = link = None
        with selection.location:
            if program_id is not None:
                (program,) = decode_key(program_id, "Program", "programId")
            if link_id is not None:
                (link,) = decode_key(link_id, "ReferralLink", "linkId")
        async with aclosing(
            live_clicks.clicks(info.context, plan.root, values, program_id=program, link_id=link)
        ) as arriving:
            async for click in arriving:
                yield cast(ClickEventType, CompletedValue(click))
