"""The commands that set a gateway up: programs, partners, links and tokens. Each prints the row it made, as JSON.

They call the resolvers that every other face calls; running gateways learn of the change by themselves.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import click

from db.lookups.tokens import NewToken, TokenRole
from gateway.services import now, offline_services
from gateway.settings import Settings
from graph.domain import links, partners, programs, tokens
from graph.domain.context import Context
from graph.domain.links import Status
from graph.domain.permissions import ADMINISTRATOR

PROGRAM_ID = "--program-id", "--program", "program_id"
PARTNER_ID = "--partner-id", "--partner", "partner_id"
# What a database can number rows with.
ROW_ID = click.IntRange(1, 2**63 - 1)
MOST_DAYS = 36_500


@click.group()
def program() -> None:
    """Programs: who pays for clicks, and for how long one counts."""


@program.command("create")
@click.option("--name", required=True)
@click.option("--domain", help="The advertiser's own site, such as yoursite.com.")
@click.option("--cookie-window-days", type=int, default=60, show_default=True, help="How long a click counts.")
def create_program(name: str, domain: str | None, cookie_window_days: int) -> None:
    """Make a program."""
    _print(lambda context: programs.create(context, name=name, domain=domain, cookie_window_days=cookie_window_days))


@click.group()
def partner() -> None:
    """Partners: who brings visitors."""


@partner.command("create")
@click.option("--name", required=True)
@click.option("--email")
@click.option(*PROGRAM_ID, type=ROW_ID, multiple=True, help="A program to take the partner into; may be repeated.")
def create_partner(name: str, email: str | None, program_id: tuple[int, ...]) -> None:
    """Make a partner, and take it into programs."""
    _print(lambda context: partners.create(context, name=name, email=email, program_ids=program_id))


@click.group()
def link() -> None:
    """Referral links: the codes that visitors arrive with."""


@link.command("create")
@click.option("--code", required=True, help="1 to 64 letters, digits, - and _; case matters.")
@click.option(*PROGRAM_ID, type=ROW_ID, required=True)
@click.option(*PARTNER_ID, type=ROW_ID, required=True, help="Taken into the program if it is not in it yet.")
@click.option("--destination-url", help="Where the link leads; the program's domain if left out.")
@click.option(
    "--status", type=click.Choice(["active", "inactive"], case_sensitive=False), default="active", show_default=True
)
def create_link(code: str, program_id: int, partner_id: int, destination_url: str | None, status: Status) -> None:
    """Make a link."""
    _print(
        lambda context: links.create(
            context,
            code=code,
            program_id=program_id,
            partner_id=partner_id,
            destination_url=destination_url,
            status=status,
            takes_in=True,
        )
    )


@link.command("pause")
@click.argument("code")
def pause_link(code: str) -> None:
    """Make the link CODE inactive: its clicks are answered, but not recorded."""
    _print(lambda context: links.pause(context, code))


@link.command("resume")
@click.argument("code")
def resume_link(code: str) -> None:
    """Make the link CODE active again."""
    _print(lambda context: links.resume(context, code))


@click.group()
def token() -> None:
    """Tokens for the API."""


@token.command("issue")
@click.option("--role", type=click.Choice(["admin", "program", "partner"], case_sensitive=False), required=True)
@click.option(*PROGRAM_ID, type=ROW_ID, help="The program that a token is for; of a partner's, the only one it shows.")
@click.option(*PARTNER_ID, type=ROW_ID, help="The partner that a partner's token is for.")
@click.option("--label", help="What it is used for, to tell tokens apart later.")
@click.option(
    "--expires-in-days", type=click.IntRange(1, MOST_DAYS), help="How long it is valid; for good if left out."
)
def issue_token(
    role: TokenRole, program_id: int | None, partner_id: int | None, label: str | None, expires_in_days: int | None
) -> None:
    """Issue a token. The secret is printed once and kept nowhere."""
    expires_at = None if expires_in_days is None else now() + timedelta(days=expires_in_days)

    async def issue(context: Context) -> Mapping[str, Any]:
        secret, row = await tokens.issue(context, NewToken(role, program_id, partner_id, label, expires_at))
        return {"token": secret, **row}

    _print(issue)


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=ROW_ID)
def revoke_token(token_id: int) -> None:
    """Revoke the token ID. Running gateways refuse it within a second."""
    _print(lambda context: tokens.revoke(context, token_id))


def _print(verb: Callable[[Context], Awaitable[Mapping[str, Any]]]) -> None:
    """Run a verb as an administrator, and print the row that it returns, but for its version."""

    async def run() -> Mapping[str, Any]:
        async with offline_services(Settings()) as services:
            return await verb(Context(services, viewer=ADMINISTRATOR))

    row = {key: value for key, value in asyncio.run(run()).items() if key != "version"}
    click.echo(json.dumps(row, default=lambda moment: moment.isoformat(), ensure_ascii=False))
