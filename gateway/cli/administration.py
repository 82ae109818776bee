"""The commands that manage programs, partners, links and tokens. Each prints the affected row as JSON.

They call the same domain functions as the API. Running gateways pick up the changes by themselves.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, BinaryIO, TypeVar

import click

from db.lookups.tokens import NewToken, TokenRole
from gateway.services import now, offline_services
from gateway.settings import Settings
from graph.domain import link_import, links, partners, programs, tokens
from graph.domain.context import Context
from graph.domain.link_files import MOST_BYTES
from graph.domain.links import Status
from graph.domain.permissions import ADMINISTRATOR

T = TypeVar("T")

PROGRAM_ID = "--program-id", "--program", "program_id"
PARTNER_ID = "--partner-id", "--partner", "partner_id"
# The range of the databases' integer ids.
ROW_ID = click.IntRange(1, 2**63 - 1)
MAX_DAYS = 36_500


@click.group()
def program() -> None:
    """Manage programs, which advertisers run."""


@program.command("create")
@click.option("--name", required=True, help="The program's name.")
@click.option("--domain", help="The advertiser's site, such as yoursite.com.")
@click.option(
    "--cookie-window-days", type=int, default=60, show_default=True, help="How many days a click is attributed for."
)
def create_program(name: str, domain: str | None, cookie_window_days: int) -> None:
    """Create a program."""
    _print(
        lambda context: programs.create(
            context, programs.NewProgram(name=name, domain=domain, cookie_window_days=cookie_window_days)
        )
    )


@click.group()
def partner() -> None:
    """Manage partners, who refer visitors."""


@partner.command("create")
@click.option("--name", required=True, help="The partner's name.")
@click.option("--email", help="The partner's email address.")
@click.option(*PROGRAM_ID, type=ROW_ID, multiple=True, help="A program to add the partner to; may be repeated.")
def create_partner(name: str, email: str | None, program_id: tuple[int, ...]) -> None:
    """Create a partner, and add it to programs."""
    _print(lambda context: partners.create(context, name=name, email=email, program_ids=program_id))


@click.group()
def link() -> None:
    """Manage referral links."""


@link.command("create")
@click.option("--code", help="1 to 64 letters, digits, - and _; case-sensitive.  [default: one is made up]")
@click.option(*PROGRAM_ID, type=ROW_ID, required=True, help="The link's program.")
@click.option(*PARTNER_ID, type=ROW_ID, required=True, help="The link's partner; added to the program if necessary.")
@click.option("--destination-url", help="The page that the link leads to.  [default: the program's domain]")
@click.option(
    "--status",
    type=click.Choice(["active", "inactive"], case_sensitive=False),
    default="active",
    show_default=True,
    help="Clicks on inactive links are not recorded.",
)
def create_link(
    code: str | None, program_id: int, partner_id: int, destination_url: str | None, status: Status
) -> None:
    """Create a link."""
    _print(
        lambda context: links.create(
            context,
            links.NewLink(
                code=code, program_id=program_id, partner_id=partner_id, destination_url=destination_url, status=status
            ),
            takes_in=True,
        )
    )


@link.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(*PROGRAM_ID, type=ROW_ID, help="The program of lines that name none.")
@click.option("--preview", is_flag=True, help="Only check the file, and create nothing.")
def import_links(file: BinaryIO, program_id: int | None, preview: bool) -> None:
    """Create the links of the CSV file FILE (- for standard input): all of them, or none if anything is wrong.

    The first line names the columns: partner_id and, if wanted, program_id, code, destination_url and status. Links
    without a code get one. For example:

    \b
    partner_id,code,destination_url
    1,SPRING,https://myshop.example/spring
    1,,https://myshop.example/
    """
    data = file.read(MOST_BYTES + 1)
    verb = link_import.preview if preview else link_import.import_links
    found = _run(lambda context: verb(context, data, program_id))
    for problem in found.problems:
        click.echo(f"clickgate: {problem}", err=True)
    click.echo(json.dumps({"links": len(found.links), "problems": len(found.problems), "created": found.created}))
    if found.problems:
        sys.exit(1)


@link.command("pause")
@click.argument("code")
def pause_link(code: str) -> None:
    """Pause the link CODE. Its clicks are answered, but not recorded."""
    _print(lambda context: links.pause(context, code))


@link.command("resume")
@click.argument("code")
def resume_link(code: str) -> None:
    """Resume the link CODE after a pause."""
    _print(lambda context: links.resume(context, code))


@click.group()
def token() -> None:
    """Manage API tokens."""


@token.command("issue")
@click.option(
    "--role",
    type=click.Choice(["admin", "program", "partner", "tracking"], case_sensitive=False),
    required=True,
    help="What the token gives access to.",
)
@click.option(
    *PROGRAM_ID,
    type=ROW_ID,
    help="The token's program, for the roles program and tracking; limits a partner's token to that program.",
)
@click.option(*PARTNER_ID, type=ROW_ID, help="The token's partner, for the role partner.")
@click.option("--label", help="A note on the token's use, to tell tokens apart.")
@click.option(
    "--expires-in-days",
    type=click.IntRange(1, MAX_DAYS),
    help="How many days the token is valid.  [default: unlimited]",
)
def issue_token(
    role: TokenRole, program_id: int | None, partner_id: int | None, label: str | None, expires_in_days: int | None
) -> None:
    """Issue a token. The secret is printed once and is not stored."""
    expires_at = None if expires_in_days is None else now() + timedelta(days=expires_in_days)

    async def issue(context: Context) -> Mapping[str, Any]:
        secret, row = await tokens.issue(context, NewToken(role, program_id, partner_id, label, expires_at))
        return {"token": secret, **row}

    _print(issue)


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=ROW_ID)
def revoke_token(token_id: int) -> None:
    """Revoke the token with this ID. Running gateways refuse it within a second."""
    _print(lambda context: tokens.revoke(context, token_id))


def _run(verb: Callable[[Context], Awaitable[T]]) -> T:
    """Run a domain function as an administrator."""

    async def run() -> T:
        async with offline_services(Settings()) as services:
            return await verb(Context(services, viewer=ADMINISTRATOR))

    return asyncio.run(run())


def _print(verb: Callable[[Context], Awaitable[Mapping[str, Any]]]) -> None:
    """Run a domain function as an administrator, and print the row that it returns without its version."""
    row = {key: value for key, value in _run(verb).items() if key != "version"}
    click.echo(json.dumps(row, default=lambda moment: moment.isoformat(), ensure_ascii=False))
