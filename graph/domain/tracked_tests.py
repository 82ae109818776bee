"""Test mode: events that are sent to try an integration, and count nowhere.

The program may be named in `additional_data`, since an advertiser tests before having partners or tokens.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from db.ingest.conversions.records import TestConversion
from db.lookups.link_records import KnownProgram
from graph.domain.context import Context
from graph.domain.emails import masked
from graph.domain.enrichment import json_text
from graph.domain.errors import UnknownProgram
from graph.domain.fields import CHECK_PREFIX

LARGEST_ID = 2**63 - 1
# The code in the landing page's URL while an installation is checked, which names the program. The tracker sends it
# like any other, but the click is a test event.
CHECK_CODE = re.compile(f"{CHECK_PREFIX}([1-9][0-9]{{0,17}})_[0-9a-z]{{16}}")


class TrackedTest(Struct, frozen=True, gc=False):
    """A committed test event."""

    event_id: int
    program_id: int | None


def checked_program(code: str) -> int | None:
    """Return the id of the program whose installation a code is there to check, or None if it is another code."""
    match = CHECK_CODE.fullmatch(code) if code.startswith(CHECK_PREFIX) else None
    return None if match is None else int(match[1])


def is_test(data: Mapping[str, Any] | None) -> bool:
    """Return whether `additional_data` asks for test mode."""
    return data is not None and data.get("test_mode") is True


async def find_program(context: Context, program_id: int) -> KnownProgram:
    """Return the program with this id. Raises `UnknownProgram`."""
    program = await context.services.directory.program(program_id)
    if program is None:
        raise UnknownProgram
    return program


async def named_program(context: Context, named: object) -> int | None:
    """Return the id of an existing program that a test event names by an integer or by digits in a string, or None if
    it names none. Raises `UnknownProgram` for anything else."""
    program_id = _program_id(named)
    if program_id is not None:
        await find_program(context, program_id)
    return program_id


async def record_test(context: Context, kind: str, sent: Struct, program_id: int | None) -> TrackedTest:
    """Record a conversion sent in test mode, with the fields that it was sent with; of an e-mail address, its mask."""
    fields = {name: value for name, value in asdict(sent).items() if value is not None}
    if "email" in fields:
        fields["email"] = masked(fields["email"])
    body = json_text("additional_data", fields)
    record = TestConversion(received_at=context.services.clock(), program_id=program_id, kind=kind, body=body)
    return TrackedTest(await context.services.writer.record(record), program_id)


def _program_id(named: object) -> int | None:
    if named is None:
        return None
    if isinstance(named, str) and named.isascii() and named.isdigit() and len(named) <= len(str(LARGEST_ID)):
        named = int(named)
    if not isinstance(named, int) or isinstance(named, bool) or not 0 < named <= LARGEST_ID:
        raise UnknownProgram
    return named
