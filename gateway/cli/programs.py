"""The commands that manage programs."""

import click

from gateway.cli.rows import ROW_ID, given, print_row
from graph.domain import programs
from graph.domain.errors import UnknownProgram


@click.group()
def program() -> None:
    """Manage programs, which advertisers run."""


@program.command("create", epilog='Example: clickgate program create --name "My shop" --domain myshop.example')
@click.option("--name", required=True, help="The program's name.")
@click.option("--domain", help="The advertiser's site, such as yoursite.com.")
@click.option(
    "--cookie-window-days", type=int, default=60, show_default=True, help="How many days a click is attributed for."
)
def create_program(name: str, domain: str | None, cookie_window_days: int) -> None:
    """Create a program."""
    print_row(
        lambda context: programs.create(
            context, programs.NewProgram(name=name, domain=domain, cookie_window_days=cookie_window_days)
        )
    )


@program.command("update", epilog="Example: clickgate program update 1 --currency EUR")
@click.argument("program_id", metavar="ID", type=ROW_ID)
@click.option("--name", help="The program's name.")
@click.option("--domain", help="The advertiser's site, such as yoursite.com.")
@click.option("--cookie-window-days", type=int, help="How many days a click is attributed for.")
@click.option("--currency", help="The ISO 4217 code of the currency of sales that name none.")
def update_program(
    program_id: int, name: str | None, domain: str | None, cookie_window_days: int | None, currency: str | None
) -> None:
    """Update the program with this ID, as far as options are given."""
    changes = given(name=name, domain=domain, cookie_window_days=cookie_window_days, currency=currency)
    print_row(lambda context: programs.change(context, program_id, changes))


@program.command("list", epilog="Example: clickgate program list")
def list_programs() -> None:
    """List all programs, newest first."""
    from gateway.cli import listing

    listing.print_list("program")


@program.command("show", epilog="Example: clickgate program show 1")
@click.argument("program_id", metavar="ID", type=ROW_ID)
def show_program(program_id: int) -> None:
    """Show the program with this ID."""
    from gateway.cli import listing

    listing.print_numbered("program", program_id, UnknownProgram())
