"""`trackClick`: the same verb as behind the REST endpoint, with the same fields and the same outcomes."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info
from strawberry.utils.str_converters import to_camel_case

from graph.domain import clicks
from graph.domain.context import Context
from graph.domain.errors import ClickgateError, InvalidRequest, LinkInactive
from graph.domain.visit import Visit, visit_of
from graph.schema.fields import value
from graph.schema.scalars import BigInt
from graph.schema.visit_fields import takes_visit_fields


@strawberry.input(description="One landing of a visitor. Null is the same as absent; text that is too long is cut.")
@takes_visit_fields
class TrackClickInput:
    """A field for each of `SENT_FIELDS`."""


@strawberry.type(description="The click is recorded. Keep `clickId` in a first-party cookie for `cookieWindowDays`.")
class TrackedClick:
    success: bool = value("True.")
    click_id: str = value("The customer's id for later lead and sale calls.")
    partner_code: str = value("The link's code.")
    cookie_window_days: int = value("For how many days the click counts.")


@strawberry.type(description="The test event is recorded. It counts nowhere.")
class TrackedTestEvent:
    success: bool = value("True.")
    message: str = value("Says so in words.")
    event_id: BigInt = value("The test event's own number.")
    program_id: BigInt | None = value("The number of the program that was named.")
    test_mode: bool = value("True.")


@strawberry.type(description="The link exists but is inactive; nothing is recorded.")
class InactiveReferralLink:
    success: bool = value("False.")
    message: str = value("Says so in words.")


@strawberry.type(
    description="The click is refused, as REST does with 400; nothing is recorded, now or when sent again."
)
class RefusedClick:
    success: bool = value("False.")
    message: str = value("What is wrong, in words.")
    code: str = value("A stable name of what is wrong, the same as in the REST API.")


TrackClickResult = Annotated[
    TrackedClick | TrackedTestEvent | InactiveReferralLink | RefusedClick,
    strawberry.union("TrackClickResult", description="What became of a click."),
]


async def track_click(
    info: Info, input: Annotated[TrackClickInput, strawberry.argument(description="The visit.")]
) -> TrackClickResult:
    """Record a visit. Raises `TryLater` where the same click may be sent again."""
    context: Context = info.context
    try:
        context.services.charge(context.client_address)
        visit, unreadable = _visit(input)
        tracked = await clicks.track(context, visit, unreadable)
    except ClickgateError as refusal:
        context.services.count(refusal.code)
        if isinstance(refusal, LinkInactive):
            return InactiveReferralLink(success=False, message=refusal.worded(to_camel_case))
        if isinstance(refusal, InvalidRequest):
            return RefusedClick(success=False, message=refusal.worded(to_camel_case), code=refusal.code)
        raise
    except Exception:
        context.services.count("fault")
        raise
    return _recorded(context, tracked)


def _visit(input: TrackClickInput) -> tuple[Visit, tuple[str, ...]]:
    """Return the visit, and which fields have a type that GraphQL could not refuse."""
    return visit_of({name: value for name, value in vars(input).items() if value is not UNSET})


def _recorded(context: Context, tracked: clicks.TrackedClick | clicks.TrackedTest) -> Any:
    if isinstance(tracked, clicks.TrackedTest):
        context.services.count("test")
        return TrackedTestEvent(
            success=True,
            message="Test click event tracked successfully",
            event_id=BigInt(tracked.event_id),
            program_id=None if tracked.program_id is None else BigInt(tracked.program_id),
            test_mode=True,
        )
    context.services.count("replayed" if tracked.replayed else "recorded")
    return TrackedClick(
        success=True,
        click_id=tracked.click_id,
        partner_code=tracked.partner_code,
        cookie_window_days=tracked.cookie_window_days,
    )
