"""The click endpoint's response bodies. The OpenAPI document is generated from these types."""

from typing import Annotated

from msgspec import Meta, Struct

TRUE = Meta(extra_json_schema={"const": True})
FALSE = Meta(extra_json_schema={"const": False})


class ClickRecorded(Struct, frozen=True, gc=False):
    """The click was recorded. Store `click_id` in a first-party cookie for `cookie_window_days` days."""

    success: Annotated[bool, TRUE]
    click_id: Annotated[
        str,
        Meta(
            description="The customer's click id; pass it to lead and sale calls.",
            extra_json_schema={"examples": ["cust_42_1715000000000"]},
        ),
    ]
    partner_code: Annotated[str, Meta(description="The referral link's code.")]
    cookie_window_days: Annotated[int, Meta(description="The program's attribution window, in days.")]


class TestEvent(Struct, frozen=True, gc=False, rename={"event_id": "eventId", "program_id": "programId"}):
    """A recorded test event."""

    event_id: Annotated[int, Meta(description="The test event's id.")]
    program_id: Annotated[int | None, Meta(description="The id of the program in the request, if any.")]
    test_mode: Annotated[bool, TRUE]


class TestRecorded(Struct, frozen=True, gc=False):
    """The test event was recorded. Test events are not counted anywhere."""

    success: Annotated[bool, TRUE]
    message: str
    data: TestEvent


class ClickRefused(Struct, frozen=True, gc=False):
    """The link is inactive. Nothing was recorded."""

    success: Annotated[bool, FALSE]
    message: str


class Problem(Struct, frozen=True, gc=False):
    """An error. Nothing was recorded, as far as the gateway knows."""

    error: Annotated[str, Meta(description="A message for people.")]
    code: Annotated[str, Meta(description="A stable name of the error, for programs.")]
