"""The commands that manage partners."""

import click

from gateway.cli.rows import PROGRAM_ID, ROW_ID, given, print_row
from graph.domain import partners, suspension
from graph.domain.errors import UnknownPartner


@click.group()
def partner() -> None:
    """Manage partners, who refer visitors."""


@partner.command("create", epilog='Example: clickgate partner create --name "A blog" --program-id 1')
@click.option("--name", required=True, help="The partner's name.")
@click.option("--email", help="The partner's email address.")
@click.option(*PROGRAM_ID, type=ROW_ID, multiple=True, help="A program to add the partner to; may be repeated.")
def create_partner(name: str, email: str | None, program_id: tuple[int, ...]) -> None:
    """Create a partner, and add it to programs."""
    print_row(lambda context: partners.create(context, name=name, email=email, program_ids=program_id))


@partner.command("update", epilog="Example: clickgate partner update 1 --email blog@example.com")
@click.argument("partner_id", metavar="ID", type=ROW_ID)
@click.option("--name", help="The partner's name.")
@click.option("--email", help="The partner's email address.")
def update_partner(partner_id: int, name: str | None, email: str | None) -> None:
    """Update the partner with this ID, as far as options are given."""
    changes = given(name=name, email=email)
    print_row(lambda context: partners.change(context, partner_id, changes))


@partner.command("suspend", epilog="Example: clickgate partner suspend 1 --program-id 1")
@click.argument("partner_id", metavar="ID", type=ROW_ID)
@click.option(*PROGRAM_ID, type=ROW_ID, required=True, help="The program to suspend the partner in.")
@click.option("--revoke-tokens", is_flag=True, help="Also revoke the partner's tokens for the program.")
def suspend_partner(partner_id: int, program_id: int, revoke_tokens: bool) -> None:
    """Suspend the partner with this ID in a program. Clicks through its links there are answered, but not recorded."""
    print_row(
        lambda context: suspension.suspend(
            context, partner_id=partner_id, program_id=program_id, revoke_tokens=revoke_tokens
        )
    )


@partner.command("resume", epilog="Example: clickgate partner resume 1 --program-id 1")
@click.argument("partner_id", metavar="ID", type=ROW_ID)
@click.option(*PROGRAM_ID, type=ROW_ID, required=True, help="The program to resume the partner in.")
def resume_partner(partner_id: int, program_id: int) -> None:
    """Take the partner with this ID back in a program. Its links there are as they were before."""
    print_row(lambda context: suspension.resume(context, partner_id=partner_id, program_id=program_id))


@partner.command("list", epilog="Example: clickgate partner list --program-id 1")
@click.option(*PROGRAM_ID, type=ROW_ID, help="Only partners in this program.")
def list_partners(program_id: int | None) -> None:
    """List all partners, newest first, with the ids of the programs that they are suspended in."""
    from gateway.cli import listing

    listing.print_list("partner", listing.with_suspensions, program_id=listing.global_id("Program", program_id))


@partner.command("show", epilog="Example: clickgate partner show 1")
@click.argument("partner_id", metavar="ID", type=ROW_ID)
def show_partner(partner_id: int) -> None:
    """Show the partner with this ID, and the ids of the programs that it is suspended in."""
    from gateway.cli import listing

    listing.print_numbered("partner", partner_id, UnknownPartner(), listing.with_suspensions)
