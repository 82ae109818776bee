"""Records leads: visitors who signed up, for REST, GraphQL and any other API.

A merchant's server sends a lead with a token, and the customer must belong to the token's program. A browser has no
token; the click id of its cookie is the proof.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from db.ingest.conversions.records import LeadRecorded, NewLead, Refusal, Unattributed
from db.lookups.customers import find_customer
from graph.domain.context import Context
from graph.domain.conversion_errors import (
    AlreadyConverted,
    CustomerMissing,
    ForeignCustomer,
    TooManyLeads,
    UnknownCustomer,
)
from graph.domain.conversion_fields import check_readable, click_ids, is_key, key_field
from graph.domain.emails import EMAIL_LENGTH, digest, masked
from graph.domain.enrichment import json_text, kept
from graph.domain.errors import FieldInvalid, InvalidRequest, UnknownProgram, outages
from graph.domain.permissions import check_recorder
from graph.domain.tracked_tests import TrackedTest, is_test, named_program, record_test

NOT_RECORDED = "Leads cannot be recorded right now"
PROVISIONAL = "Lead recorded as provisional. It counts once a lead with the program's token, or a sale, confirms it."
MOST_CANDIDATES = 20
DEFAULT_EVENT_NAME = "signup"
# What this module reads in `additional_data`; anything else is stored.
OWN_KEYS = {"test_mode", "program_id", "event_name"}
REFUSALS: dict[Refusal, type[InvalidRequest]] = {
    Refusal.UNKNOWN_CUSTOMER: UnknownCustomer,
    Refusal.OTHER_PROGRAM: ForeignCustomer,
    Refusal.ALREADY_CONVERTED: AlreadyConverted,
    Refusal.TOO_MANY_LEADS: TooManyLeads,
}


class LeadInput(Struct, frozen=True):
    """A lead, as it is sent. `null` and an empty string are the same as absent; unknown fields are ignored."""

    click_id: Annotated[
        str | None,
        Meta(
            description="The click id from the tracker's cookie. Required without `click_ids` or `customer_key`.",
            extra_json_schema={"examples": ["cust_42_1715000000000"]},
        ),
    ] = None
    customer_key: Annotated[
        str | None,
        Meta(
            description="Your own stable id of this user, of 1 to 255 characters. Later sales can name it.",
            extra_json_schema={"examples": ["user_1001"]},
        ),
    ] = None
    email: Annotated[
        str | None,
        Meta(
            description="The user's e-mail address. It is not stored: a keyed hash and a mask such as "
            f"`a***@example.com` are. At most {EMAIL_LENGTH} characters.",
            extra_json_schema={"examples": ["alice@example.com"]},
        ),
    ] = None
    session_id: Annotated[
        str | None, Meta(description="Identifier of the browser session; 128 characters are kept.")
    ] = None
    page_url: Annotated[str | None, Meta(description="URL of the page with the sign-up; 2048 characters are kept.")] = (
        None
    )
    click_ids: Annotated[
        list[str] | None,
        Meta(
            description=f"Up to {MOST_CANDIDATES} more click ids. The first one that names a customer counts.",
        ),
    ] = None
    additional_data: Annotated[
        dict[str, Any] | None,
        Meta(
            description="Any other data to store, an object. `event_name` (1 to 255 characters, by default "
            f"`{DEFAULT_EVENT_NAME}`) tells different leads of one customer apart. With "
            '`{"test_mode": true, "program_id": 1}`, a test event is recorded.',
            extra_json_schema={"examples": [{"event_name": "trial", "plan": "pro"}]},
        ),
    ] = None


async def track_lead(
    context: Context, lead: LeadInput, unreadable: Sequence[str] = ()
) -> LeadRecorded | Unattributed | TrackedTest:
    """Record a lead, or a test event. Returns once it is committed.

    `unreadable` names the fields with a wrong type, in order; they are absent from the lead, and reported in their
    turn. Raises, in this order: `Unauthenticated` for a token that may not record conversions, `CustomerMissing`,
    `UnknownCustomer`, `ForeignCustomer`, `AlreadyConverted`, `FieldInvalid`, `TooManyLeads`, `TryLater`; for a test
    event `UnknownProgram`, `TryLater`.
    """
    program_id = None if context.viewer is None else check_recorder(context)
    with outages(NOT_RECORDED):
        if is_test(lead.additional_data):
            return await _track_test(context, lead, program_id)
        candidates = (lead.click_id, *(lead.click_ids or ()))
        if not any(candidates) and not lead.customer_key:
            raise CustomerMissing
        try:
            check_readable(unreadable)
            record = await _record(context, lead, program_id, click_ids(candidates[: 1 + MOST_CANDIDATES]))
        except FieldInvalid:
            await _check_customer(context, lead, program_id, click_ids(candidates[: 1 + MOST_CANDIDATES]))
            raise
        outcome = await context.services.writer.record(record)
    if isinstance(outcome, Refusal):
        raise REFUSALS[outcome]
    return outcome


async def _record(context: Context, lead: LeadInput, program_id: int | None, candidates: tuple[str, ...]) -> NewLead:
    data = lead.additional_data or {}
    email = lead.email or None
    if email is not None and len(email) > EMAIL_LENGTH:
        raise FieldInvalid("email", f"must have at most {EMAIL_LENGTH} characters")
    if len(lead.click_ids or ()) > MOST_CANDIDATES:
        raise FieldInvalid("click_ids", f"must have at most {MOST_CANDIDATES} items")
    customer_key, event_name = key_field("customer_key", lead.customer_key), _event_name(data.get("event_name"))
    more = {key: value for key, value in data.items() if key not in OWN_KEYS}
    return NewLead(
        received_at=context.services.clock(),
        program_id=program_id,
        click_ids=candidates,
        event_name=event_name,
        customer_key=customer_key,
        email_digest=None if email is None else digest(await context.services.email_key(), email),
        email_mask=None if email is None else masked(email),
        session_id=kept("session_id", lead.session_id or None),
        page_url=kept("page_url", lead.page_url or None),
        additional_data=json_text("additional_data", more) if more else None,
    )


def _event_name(value: object) -> str:
    if value is None or value == "":
        return DEFAULT_EVENT_NAME
    if not isinstance(value, str) or not is_key(value):
        raise FieldInvalid("event_name", "must be a string of 1 to 255 characters")
    return value


async def _check_customer(
    context: Context, lead: LeadInput, program_id: int | None, candidates: tuple[str, ...]
) -> None:
    """Raise the error that the writer would refuse the lead with, which precedes that of an invalid field."""
    customer_key = lead.customer_key if is_key(lead.customer_key) else None
    customer = await find_customer(context.services.store, program_id, customer_key, candidates)
    if customer is None:
        raise UnknownCustomer
    if program_id is not None and customer.program_id != program_id:
        raise ForeignCustomer
    if customer.customer_status == "conversion":
        raise AlreadyConverted


async def _track_test(context: Context, lead: LeadInput, program_id: int | None) -> TrackedTest:
    named = await named_program(context, (lead.additional_data or {}).get("program_id"))
    if program_id is not None and named not in (None, program_id):
        raise UnknownProgram  # as for every program out of a token's scope
    return await record_test(context, "lead", lead, named if program_id is None else program_id)
