"""The `trackClick` mutation.

It calls the same function as the REST endpoint, and has the same fields and outcomes.
"""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Info
from strawberry.utils.str_converters import to_camel_case

from graph.domain import clicks
from graph.domain.context import Context
from graph.domain.errors import ClickgateError, InvalidRequest, LinkInactive
from graph.domain.tracked_tests import TrackedTest
from graph.domain.visit import Visit, visit_of
from graph.schema.fields import value
from graph.schema.scalars import BigInt
from graph.schema.visit_fields import takes_visit_fields


@strawberry.input(description="One landing of a visitor. Null is the same as absent; text that is too long is cut.")
@takes_visit_fields
class TrackClickInput:
    """A field for each of `SENT_FIELDS`."""


@strawberry.type(
    name="TrackedClick",
    description="The click was recorded. Store `clickId` in a first-party cookie for `cookieWindowDays` days.",
)
class TrackedClickType:
    success: bool = value("Always `true`.")
    click_id: str = value("The customer's `click_id`. Pass it to later lead and sale calls.")
    partner_code: str = value("The code of the referral link.")
    cookie_window_days: int = value("The program's attribution window in days.")


@strawberry.type(description="The test event was recorded. Test events do not count as clicks and affect no reports.")
class TrackedTestEvent:
    success: bool = value("Always `true`.")
    message: str = value("A description of the outcome, for people to read.")
    event_id: BigInt = value("The `databaseId` of the test event.")
    program_id: BigInt | None = value("The `databaseId` of the program named in the request. Null if none was named.")
    test_mode: bool = value("Always `true`.")


@strawberry.type(description="The link exists but is inactive. Nothing was recorded.")
class InactiveReferralLink:
    success: bool = value("Always `false`.")
    message: str = value("A description of the outcome, for people to read.")


@strawberry.type(
    description="The click was rejected, like a 400 response in REST. Nothing was recorded, and sending it again will "
    "not help."
)
class RefusedClick:
    success: bool = value("Always `false`.")
    message: str = value("A description of the problem, for people to read.")
    code: str = value("A stable error code such as `unknown_link`, shared with the REST API.")


TrackClickResult = Annotated[
    TrackedClickType | TrackedTestEvent | InactiveReferralLink | RefusedClick,
    strawberry.union("TrackClickResult", description="The outcome of a tracked click."),
]


async def track_click(
    info: Info, input: Annotated[TrackClickInput, strawberry.argument(description="The click to record.")]
) -> TrackClickResult:
    """Record a click. Raises `TryLater` if the same click may be sent again later."""
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
    """Return the visit, and the fields whose wrong type GraphQL could not reject."""
    return visit_of({name: value for name, value in vars(input).items() if value is not UNSET})


def _recorded(context: Context, tracked: clicks.TrackedClick | TrackedTest) -> Any:
    if isinstance(tracked, TrackedTest):
        context.services.count("test")
        return TrackedTestEvent(
            success=True,
            message="Test click event tracked successfully",
            event_id=BigInt(tracked.event_id),
            program_id=None if tracked.program_id is None else BigInt(tracked.program_id),
            test_mode=True,
        )
    context.services.count("replayed" if tracked.replayed else "recorded")
    return TrackedClickType(
        success=True,
        click_id=tracked.click_id,
        partner_code=tracked.partner_code,
        cookie_window_days=tracked.cookie_window_days,
    )
