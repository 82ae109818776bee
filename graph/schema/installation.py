"""Checks of an installation: the mutations that begin one and run a test conversion, and the query that waits for the
click."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from msgspec.structs import asdict
from strawberry import ID

from graph.domain.context import Context
from graph.domain.errors import Forbidden, UnknownProgram
from graph.execution.executor import CompletedValue
from graph.execution.selections import SelectedField
from graph.integrations.installation import find_arrival, start_check
from graph.integrations.trials import run_chain
from graph.query.global_ids import RowRef
from graph.schema import resolvers
from graph.schema.changes import Payload
from graph.schema.fields import optional, value
from graph.schema.setup import program_argument
from graph.schema.types import ProgramType

OWN = "Its own if a program's token omits it; required for an admin token."


@strawberry.enum(name="TagState", description="What a page's HTML and headers tell about the tracker's tag.")
class TagState(Enum):
    FOUND = strawberry.enum_value("found", description="The tag is there, and nothing on the page blocks it.")
    MISSING = strawberry.enum_value(
        "missing", description="The tag is not in the HTML. A tag manager may insert it, which only a browser sees."
    )
    WRONG_GATEWAY = strawberry.enum_value(
        "wrong_gateway", description="The tag sends clicks to another gateway, which `detail` names."
    )
    WRONG_PROGRAM = strawberry.enum_value(
        "wrong_program", description="The tag is that of another program, whose id is in `detail`; null if it has none."
    )
    SCRIPT_BLOCKED = strawberry.enum_value(
        "script_blocked", description="A content security policy blocks the script: `detail` is its directive."
    )
    CONNECTION_BLOCKED = strawberry.enum_value(
        "connection_blocked", description="A content security policy blocks clicks: `detail` is its directive."
    )
    PRIVATE_ADDRESS = strawberry.enum_value(
        "private_address", description="The page is in a network that is not public, and was not fetched."
    )
    UNREACHABLE = strawberry.enum_value(
        "unreachable", description="The page's server did not answer within 10 seconds."
    )
    TOO_MANY_REDIRECTS = strawberry.enum_value(
        "too_many_redirects", description="The page redirects more than 5 times."
    )
    HTTP_ERROR = strawberry.enum_value("http_error", description="The page answers with the error in `httpStatus`.")


@strawberry.type(description="What a page's HTML and headers tell. Nothing else of the page is shown.")
class PageInspection:
    state: TagState = value("The state of the tag.")
    http_status: int | None = value("The page's HTTP status, if it is an error.")
    detail: str | None = value("What the state is about.")
    waits_for_consent: bool = value("Whether the tag sends nothing until the visitor has given consent.")


@strawberry.type(description="The click of an installation check.")
class CheckArrival:
    arrived_at: datetime = value("When it came.")
    page: str = value("The host and path of the page that it came from.")


@strawberry.input(description="The input of `startInstallationCheck`.")
class StartInstallationCheckInput:
    program_id: ID | None = optional(f"The program. {OWN}")
    url: str = value("The page to check, on the program's domain or a subdomain.")
    origin: str = value("The gateway's origin as the page's visitors reach it, such as `https://clicks.example.com`.")


@strawberry.type(description="The result of `startInstallationCheck`.")
class InstallationCheckPayload(Payload):
    url: str | None = value(
        "The page's URL with a code that makes the visit's click a test event. Null if there are user errors."
    )
    code: str | None = value("The code, by which `installationCheck` finds the click. Null if there are user errors.")
    page: PageInspection | None = value("What the page's HTML and headers tell. Null if there are user errors.")


@strawberry.input(description="The input of `runTestConversion`.")
class RunTestConversionInput:
    program_id: ID | None = optional(f"The program. {OWN}")


@strawberry.type(description="The result of `runTestConversion`.")
class TestConversionPayload(Payload):
    __test__ = False

    click: str | None = value("The verdict on the click: `attributed`, `unattributed`, `wrong_partner` or `pending`.")
    lead: str | None = value("The verdict on the lead.")
    sale: str | None = value("The verdict on the sale: `unattributed` if no commission rule applies to it.")
    passed: bool | None = value("Whether all of them were attributed. Null if there are user errors.")
    program: ProgramType | None = value("The program. Null if there are user errors.")


async def start_installation_check(context: Context, input: StartInstallationCheckInput) -> Mapping[str, Any]:
    check = await start_check(context, program_argument(input.program_id or None), input.url, input.origin)
    page = asdict(check.page) | {"state": check.page.state.upper()}
    return {"url": check.url, "code": check.code, "page": page}


async def run_test_conversion(context: Context, input: RunTestConversionInput) -> Mapping[str, Any]:
    program_id, run = await run_chain(context, program_argument(input.program_id or None))
    verdict = run.verdict
    verdicts = {"click": verdict.click.value, "lead": verdict.lead.value, "sale": verdict.sale.value}
    return {**verdicts, "passed": verdict.passed, "program": RowRef("Program", (program_id,))}


async def installation_check(context: Context, selection: SelectedField) -> CompletedValue:
    """Resolve `installationCheck`, or null if the viewer does not manage the program. Raises `Unauthenticated`,
    `DatabaseAway`."""
    try:
        arrival = await find_arrival(context, selection.argument_values["code"])
    except (Forbidden, UnknownProgram):
        return CompletedValue(None)
    return CompletedValue(None) if arrival is None else await resolvers.compose(context, selection, asdict(arrival))
