"""The `programSetup` query: how far a program's setup has come, and what its site tells."""

from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from msgspec.structs import asdict

from graph.domain.context import Context
from graph.domain.errors import Forbidden, UnknownProgram
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.integrations.setup import read_setup
from graph.query.global_ids import RowRef, decode_key
from graph.schema import resolvers
from graph.schema.fields import costly_value, value
from graph.schema.scalars import BigInt
from graph.schema.types import ProgramType

# A program's sites and codes are bounded; this is what reading all of them costs.
LIST_COST = 20


@strawberry.enum(name="SetupState", description="How far a program's integration has come.")
class SetupState(Enum):
    DRAFT = strawberry.enum_value("draft", description="The program has no name or no domain.")
    CONFIGURING = strawberry.enum_value("configuring", description="A commission rule or the tracker is missing.")
    READY = strawberry.enum_value("ready", description="Everything is set up, but not tested.")
    INTEGRATION_VERIFIED = strawberry.enum_value(
        "integration_verified", description="A test conversion has passed since the newest token was issued."
    )
    LIVE_VERIFIED = strawberry.enum_value("live_verified", description="There was a sale in the last 30 days.")


@strawberry.enum(name="SetupStepName", description="A step of a program's setup.")
class SetupStepName(Enum):
    PROFILE = strawberry.enum_value("profile", description="The program has a name and a domain.")
    COMMISSION_RULE = strawberry.enum_value("commission_rule", description="A commission rule is in force.")
    PARTNER = strawberry.enum_value("partner", description="The program has a partner.")
    LINK = strawberry.enum_value("link", description="The program has a referral link.")
    TRACKER = strawberry.enum_value(
        "tracker", description="A click came in the last 7 days, or a page of the domain has loaded the tracker."
    )
    TEST_CONVERSION = strawberry.enum_value(
        "test_conversion", description="A test conversion has passed since the newest token was issued, or a sale came."
    )


@strawberry.type(description="A step of a program's setup.")
class SetupStep:
    name: SetupStepName = value("What is to be done.")
    is_done: bool = value("Whether it is done.")


@strawberry.type(description="A host of a program's site, as far as the gateway has seen it.")
class TrackerSite:
    host: str = value("The host, in lower case, with its port if that is unusual.")
    script_seen_at: datetime | None = value("When a page last loaded the tracker script, to the hour. Null if unknown.")
    click_seen_at: datetime | None = value(
        "When one of the program's latest 1,000 clicks landed here. Null if none of them did."
    )


@strawberry.type(
    description="A code that no link has, though visitors of the program's site brought it. Each is credit that a "
    "partner loses to a misspelt or deleted link."
)
class UnknownCode:
    code: str = value("The code.")
    clicks: BigInt = value("How often it came.")
    last_page: str = value("The host and path of the page that the latest one landed on, without its query.")
    first_seen_at: datetime = value("When it first came.")
    last_seen_at: datetime = value("When it last came.")


@strawberry.type(name="ProgramSetup", description="How far a program's setup has come, and what its site tells.")
class ProgramSetupType:
    program: ProgramType | None = value("The program.")
    state: SetupState = value("How far its integration has come, as `GET /api/v1/programs/me/readiness` tells.")
    script_path: str = value("The path of the tracker script, relative to the gateway.")
    click_path: str = value("The path that the script posts clicks to, relative to the gateway.")
    steps: list[SetupStep] = value("The steps of the setup, in their order.")
    sites: list[TrackerSite] = costly_value(
        "At most 20 hosts of the program's site, the one that was seen last first.", LIST_COST
    )
    unknown_codes: list[UnknownCode] = costly_value(
        "At most 200 codes that no link has, the one that came most often first.", LIST_COST
    )


async def program_setup(context: Context, selection: SelectedField) -> CompletedValue:
    """Resolve `programSetup`, or null if the viewer does not manage the program. Raises `Unauthenticated`,
    `FieldInvalid`, `DatabaseAway`."""
    try:
        found = await read_setup(context, program_argument(selection.argument_values.get("programId")))
    except (Forbidden, UnknownProgram):
        return CompletedValue(None)
    values: dict[str, Any] = {
        "program": RowRef("Program", (found.program_id,)),
        "state": found.state.upper(),
        "script_path": context.services.site_checks.script_paths[0],
        "click_path": context.services.site_checks.click_path,
        "steps": [{"name": step.name.upper(), "is_done": step.is_done} for step in found.steps],
        "sites": [asdict(site) for site in found.sites],
        "unknown_codes": [asdict(code) for code in found.unknown_codes],
    }
    return await resolvers.compose(context, selection, values)


def program_argument(id: str | None) -> int | None:
    """Return the number of a program that is named by its global id, if it is. Raises `FieldInvalid`."""
    return None if id is None else decode_key(id, "Program", "program_id")[0]
