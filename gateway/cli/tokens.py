"""The commands that manage API tokens."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from db.lookups.tokens import NewToken, TokenRole
from gateway.cli.rows import PARTNER_ID, PROGRAM_ID, ROW_ID, print_row
from gateway.services import now
from graph.domain import sign_in_links, tokens
from graph.domain.context import Context
from graph.domain.errors import UnknownToken

MAX_DAYS = 36_500
NO_ADDRESS = "Set CLICKGATE_PUBLIC_URL to the gateway's address as browsers reach it."


@click.group()
def token() -> None:
    """Manage API tokens."""


@token.command("issue", epilog="Example: clickgate token issue --role partner --partner-id 1")
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

    print_row(issue)


@token.command("sign-in-link", epilog="Example: clickgate token sign-in-link --partner-id 1")
@click.option(
    "--role",
    type=click.Choice(["admin", "program", "partner"], case_sensitive=False),
    default="partner",
    show_default=True,
    help="Whom the link signs in.",
)
@click.option(*PROGRAM_ID, type=ROW_ID, help="The program, for that role; limits a partner to it.")
@click.option(*PARTNER_ID, type=ROW_ID, help="The partner, for that role.")
@click.option("--label", help="A note on the new token, to tell tokens apart.")
@click.option(
    "--valid-days",
    type=click.IntRange(1, sign_in_links.MOST_DAYS),
    default=sign_in_links.DAYS,
    show_default=True,
    help="For how many days the link can be used.",
)
def sign_in_link(
    role: TokenRole, program_id: int | None, partner_id: int | None, label: str | None, valid_days: int
) -> None:
    """Make a link that signs a browser in once, with a new token. It begins with CLICKGATE_PUBLIC_URL."""

    async def create(context: Context) -> Mapping[str, Any]:
        if not context.services.public_url.startswith("http"):
            raise click.ClickException(NO_ADDRESS)
        return asdict(await sign_in_links.create(context, NewToken(role, program_id, partner_id, label), valid_days))

    print_row(create)


@token.command("revoke", epilog="Example: clickgate token revoke 1")
@click.argument("token_id", metavar="ID", type=ROW_ID)
def revoke_token(token_id: int) -> None:
    """Revoke the token with this ID. Running gateways refuse it within a second."""
    print_row(lambda context: tokens.revoke(context, token_id))


@token.command("update", epilog='Example: clickgate token update 1 --label "For the shop"')
@click.argument("token_id", metavar="ID", type=ROW_ID)
@click.option("--label", required=True, help="A note on the token's use, to tell tokens apart.")
def update_token(token_id: int, label: str) -> None:
    """Change the label of the token with this ID."""
    print_row(lambda context: tokens.change(context, token_id, {"label": label}))


@token.command("list", epilog="Example: clickgate token list --program-id 1")
@click.option(*PROGRAM_ID, type=ROW_ID, help="Only tokens of this program.")
@click.option(*PARTNER_ID, type=ROW_ID, help="Only tokens of this partner.")
def list_tokens(program_id: int | None, partner_id: int | None) -> None:
    """List all tokens, newest first, without their secrets."""
    from gateway.cli import listing

    listing.print_list(
        "token",
        program_id=listing.global_id("Program", program_id),
        partner_id=listing.global_id("Partner", partner_id),
    )


@token.command("show", epilog="Example: clickgate token show 1")
@click.argument("token_id", metavar="ID", type=ROW_ID)
def show_token(token_id: int) -> None:
    """Show the token with this ID, without its secret."""
    from gateway.cli import listing

    listing.print_numbered("token", token_id, UnknownToken())
