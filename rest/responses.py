"""The bodies that the click endpoint answers with; the OpenAPI document is generated from these same types."""

from typing import Annotated

from msgspec import Meta, Struct

TRUE = Meta(extra_json_schema={"const": True})
FALSE = Meta(extra_json_schema={"const": False})


class ClickRecorded(Struct, frozen=True, gc=False):
    """The click is recorded; keep `click_id` in a first-party cookie for `cookie_window_days`."""

    success: Annotated[bool, TRUE]
    click_id: Annotated[
        str,
        Meta(
            description="Identifies this click's customer; pass it to lead and sale calls.",
            extra_json_schema={"examples": ["cust_42_1715000000000"]},
        ),
    ]
    partner_code: Annotated[str, Meta(description="The referral link's code.")]
    cookie_window_days: Annotated[int, Meta(description="How long the click counts, in days.")]


class TestEventData(Struct, frozen=True, gc=False, rename={"event_id": "eventId", "program_id": "programId"}):
    """A recorded test event."""

    event_id: Annotated[int, Meta(description="The test event's own id.")]
    program_id: Annotated[int | None, Meta(description="The program that was named, if any.")]
    test_mode: Annotated[bool, TRUE]


class TestRecorded(Struct, frozen=True, gc=False):
    """The test event is recorded; it counts nowhere."""

    success: Annotated[bool, TRUE]
    message: str
    data: TestEventData


class ClickRefused(Struct, frozen=True, gc=False):
    """The link exists but is inactive; nothing is recorded."""

    success: Annotated[bool, FALSE]
    message: str


class Problem(Struct, frozen=True, gc=False):
    """Nothing is known to be recorded."""

    error: Annotated[str, Meta(description="What is wrong, in words.")]
    code: Annotated[str, Meta(description="A stable name of the condition.")]
