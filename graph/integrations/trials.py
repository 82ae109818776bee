"""Tries an integration: runs the self-test, or records a single test event."""

import secrets
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from db.ingest.clicks.records import TestClick
from db.ingest.integrations.records import ChainRun, NewChain
from db.schema.columns import EPOCH
from graph.domain.context import Context
from graph.domain.conversion_fields import check_readable, choice_field
from graph.domain.enrichment import visit_record
from graph.domain.errors import FieldInvalid, RateLimited, UnknownProgram, outages
from graph.domain.permissions import check_program
from graph.domain.tracked_tests import TrackedTest, find_program, named_program, record_test
from graph.domain.visit import Visit
from graph.integrations.setup import managed_program

NOT_RECORDED = "Test events cannot be recorded right now"
CHAIN = "chain"
EVENT_TYPES = ("click", "lead", "sale")


class TestEventInput(Struct, frozen=True):
    """What to try. `null` and an empty string are the same as absent; unknown fields are ignored."""

    type: Annotated[
        str | None,
        Meta(description="`chain`: try click, lead, sale and refund.", extra_json_schema={"enum": [CHAIN, None]}),
    ] = None
    event_type: Annotated[
        str | None,
        Meta(
            description="Without `type`: the kind of a single test event, which is recorded and attributed to nobody.",
            extra_json_schema={"enum": [*EVENT_TYPES, None]},
        ),
    ] = None
    program_id: Annotated[
        int | str | None, Meta(description="The token's program, as a number or as text; it may be left out.")
    ] = None


class TriedEvent(Struct, frozen=True):
    """A committed test event."""

    event_type: str
    event_id: int


class TooManyChains(RateLimited):
    """The program has run ten chains within an hour."""

    message = "Too many test chains: a program can run ten an hour"


async def send_test(context: Context, sent: TestEventInput, unreadable: Sequence[str] = ()) -> ChainRun | TriedEvent:
    """Run the self-test for the token's program, or record a single test event. Returns once it is committed.

    `unreadable` names the fields with a wrong type, in order. Raises, in this order: `Unauthenticated` for a token that
    is not a program's own, `FieldInvalid`, `UnknownProgram` for a program that is not the token's, `TooManyChains`,
    `TryLater`.
    """
    program_id = check_program(context)
    check_readable(unreadable)
    if sent.type not in (None, "", CHAIN):
        raise FieldInvalid("type", f"must be {CHAIN}")
    event_type = choice_field("event_type", sent.event_type, EVENT_TYPES)
    if not sent.type and event_type is None:
        raise FieldInvalid("event_type", f"must be {', '.join(EVENT_TYPES[:-1])} or {EVENT_TYPES[-1]}")
    with outages(NOT_RECORDED):
        if await named_program(context, sent.program_id or None) not in (None, program_id):
            raise UnknownProgram
        if event_type is None or sent.type:
            return await _run_chain(context, program_id)
        return TriedEvent(event_type, await _record_event(context, sent, event_type, program_id))


async def run_chain(context: Context, named: int | None) -> tuple[int, ChainRun]:
    """Run the self-test for a program, and return its id with the run. Raises as `managed_program` does, and
    `TooManyChains`, `TryLater`."""
    program_id = managed_program(context, named)
    with outages(NOT_RECORDED):
        await find_program(context, program_id)
        return program_id, await _run_chain(context, program_id)


async def _run_chain(context: Context, program_id: int) -> ChainRun:
    now = context.services.clock()
    suffix = secrets.token_hex(3)
    chain = NewChain(
        received_at=now,
        program_id=program_id,
        short_code=f"afftest{program_id}_{suffix}",
        customer_key=f"aff_test_ck_{program_id}_{(now - EPOCH).total_seconds() * 1000:.0f}_{suffix}",
        visit=visit_record(context, Visit()),
    )
    outcome = await context.services.writer.record(chain)
    if isinstance(outcome, ChainRun):
        return outcome
    raise TooManyChains(outcome.retry_after_seconds)


async def _record_event(context: Context, sent: TestEventInput, event_type: str, program_id: int) -> int:
    if event_type != "click":
        tracked: TrackedTest = await record_test(context, event_type, sent, program_id)
        return tracked.event_id
    now = context.services.clock()
    return await context.services.writer.record(TestClick(now, program_id, None, visit_record(context, Visit())))
