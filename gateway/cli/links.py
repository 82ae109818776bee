"""The commands that manage referral links."""

import json
import sys
from typing import BinaryIO

import click

from gateway.cli.rows import PARTNER_ID, PROGRAM_ID, ROW_ID, given, print_row, run
from graph.domain import link_import, links
from graph.domain.errors import UnknownLink
from graph.domain.link_files import MOST_BYTES
from graph.domain.links import Status

STATUS = click.Choice(["active", "inactive"], case_sensitive=False)


@click.group()
def link() -> None:
    """Manage referral links."""


@link.command("create", epilog="Example: clickgate link create --code BLOG --program-id 1 --partner-id 1")
@click.option("--code", help="1 to 64 letters, digits, - and _; case-sensitive.  [default: one is made up]")
@click.option(*PROGRAM_ID, type=ROW_ID, required=True, help="The link's program.")
@click.option(*PARTNER_ID, type=ROW_ID, required=True, help="The link's partner; added to the program if necessary.")
@click.option("--destination-url", help="The page that the link leads to.  [default: the program's domain]")
@click.option(
    "--status",
    type=STATUS,
    default="active",
    show_default=True,
    help="Clicks on inactive links are not recorded.",
)
def create_link(
    code: str | None, program_id: int, partner_id: int, destination_url: str | None, status: Status
) -> None:
    """Create a link."""
    print_row(
        lambda context: links.create(
            context,
            links.NewLink(
                code=code, program_id=program_id, partner_id=partner_id, destination_url=destination_url, status=status
            ),
            takes_in=True,
        )
    )


@link.command("import", epilog="Example: clickgate link import links.csv --program-id 1 --preview")
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
    found = run(lambda context: verb(context, data, program_id))
    for problem in found.problems:
        click.echo(f"clickgate: {problem}", err=True)
    click.echo(json.dumps({"links": len(found.links), "problems": len(found.problems), "created": found.created}))
    if found.problems:
        sys.exit(1)


@link.command("pause", epilog="Example: clickgate link pause BLOG")
@click.argument("code")
def pause_link(code: str) -> None:
    """Pause the link CODE. Its clicks are answered, but not recorded."""
    print_row(lambda context: links.pause(context, code))


@link.command("resume", epilog="Example: clickgate link resume BLOG")
@click.argument("code")
def resume_link(code: str) -> None:
    """Resume the link CODE after a pause."""
    print_row(lambda context: links.resume(context, code))


@link.command("update", epilog="Example: clickgate link update BLOG --destination-url https://myshop.example/")
@click.argument("code")
@click.option("--code", "new_code", help="Another code: 1 to 64 letters, digits, - and _; case-sensitive.")
@click.option("--destination-url", help="The page that the link leads to.")
@click.option("--status", type=STATUS, help="Clicks on inactive links are not recorded.")
def update_link(code: str, new_code: str | None, destination_url: str | None, status: Status | None) -> None:
    """Update the link CODE, as far as options are given. Clicks that were recorded stay with it."""
    changes = given(code=new_code, destination_url=destination_url, status=status)
    print_row(lambda context: links.change_by_code(context, code, changes))


@link.command("list", epilog="Example: clickgate link list --status inactive")
@click.option(*PROGRAM_ID, type=ROW_ID, help="Only links of this program.")
@click.option(*PARTNER_ID, type=ROW_ID, help="Only links of this partner.")
@click.option("--status", type=STATUS, help="Only links with this status.")
def list_links(program_id: int | None, partner_id: int | None, status: Status | None) -> None:
    """List all links, newest first."""
    from gateway.cli import listing

    listing.print_list(
        "link",
        program_id=listing.global_id("Program", program_id),
        partner_id=listing.global_id("Partner", partner_id),
        status=status,
    )


@link.command("show", epilog="Example: clickgate link show BLOG")
@click.argument("code")
def show_link(code: str) -> None:
    """Show the link CODE."""
    from gateway.cli import listing

    listing.print_found("link", "code", UnknownLink(), code=code)
