"""The command line, run as an operator runs it."""

import json
import os
import pty
import re
import shlex
import subprocess
from functools import partial
from pathlib import Path

import click
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import DeclarativeBase

from db.engine.store import Store
from db.migrations.revisions import REVISIONS
from db.schema.links import ReferralLink
from db.schema.partners import Partner, PartnerProgram
from db.schema.tables import METADATA
from gateway.cli.main import COMMANDS, cli
from gateway.configuration.settings import PREFIX
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import COMMAND, clickgate, environment

pytestmark = pytest.mark.slow


def rows_in(database_url: str, *arguments: str) -> list[dict[str, object]]:
    """Return the rows that a command prints."""
    done = clickgate(database_url, *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def made_in(database_url: str, *arguments: str) -> dict[str, object]:
    """Return the only row that a command prints."""
    (row,) = rows_in(database_url, *arguments)
    return row


def test_the_list_of_commands_says_what_each_command_says() -> None:
    context = click.Context(cli)
    for name, listed in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=200) == listed.summary


@pytest.mark.parametrize("name", {listed.module: name for name, listed in COMMANDS.items()}.values())
def test_commands_of_every_module_start(name: str) -> None:
    done = subprocess.run([COMMAND, name, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: clickgate {name} ")
    assert done.stderr == ""


async def test_the_status_of_a_database_tells_its_schema_and_what_takes_space(database_url: str) -> None:
    made_in(database_url, "program", "create", "--name", "Shop")
    found = json.loads(clickgate(database_url, "db", "status", "--tables").stdout)
    assert found["revision"] == found["wanted_revision"] == REVISIONS[-1]
    assert found["version"].split()[0] in {"SQLite", "PostgreSQL"}
    assert METADATA.tables.keys() <= found["tables"].keys()
    sizes = [*found["tables"].values()]
    assert sizes == sorted(sizes, reverse=True)
    assert 0 < sum(sizes) <= found["bytes"]
    assert "tables" not in json.loads(clickgate(database_url, "db", "status").stdout)


async def test_the_status_of_a_database_of_another_version_is_told(database_url: str) -> None:
    store = Store(database_url)
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    await store.close()
    found = json.loads(clickgate(database_url, "db", "status").stdout)
    assert (found["revision"], found["wanted_revision"]) == ("0001", REVISIONS[-1])


def test_the_status_of_a_missing_file_is_an_error(tmp_path: Path) -> None:
    done = clickgate(f"sqlite:///{tmp_path}/none.db", "db", "status")
    assert (done.returncode, done.stderr) == (1, f"clickgate: the database {tmp_path}/none.db does not exist\n")
    assert not any(tmp_path.iterdir())


def test_a_gateway_can_be_set_up_from_the_command_line(database_url: str) -> None:
    made = partial(made_in, database_url)
    program = made("program", "create", "--name", "Shop", "--cookie-window-days", "30")
    partner = made("partner", "create", "--name", "Blog", "--email", "blog@example.com", "--program-id", "1")
    link = made("link", "create", "--code", "BLOG", "--program-id", "1", "--partner-id", "1")
    unnamed = made("link", "create", "--program-id", "1", "--partner-id", "1")
    token = made("token", "issue", "--role", "partner", "--partner-id", "1", "--expires-in-days", "7")
    assert program["cookie_window_days"] == 30
    assert partner["id"] == link["partner_id"] == 1
    assert re.fullmatch(r"[2-9a-z]{10}", str(unnamed["code"]))
    assert made("link", "pause", "BLOG")["status"] == "inactive"
    assert made("link", "resume", "BLOG")["status"] == "active"
    assert re.fullmatch(r"cg_[A-Za-z0-9_-]{43}", str(token["token"]))
    assert "token_hash" not in token
    confined = made("token", "issue", "--role", "partner", "--partner-id", "1", "--program-id", "1")
    assert (confined["partner_id"], confined["program_id"]) == (1, 1)
    tracking = made("token", "issue", "--role", "tracking", "--program-id", "1")
    assert (tracking["role"], tracking["partner_id"], tracking["program_id"]) == ("tracking", None, 1)
    revoked = made("token", "revoke", str(token["id"]))
    assert revoked["revoked_at"] is not None
    assert made("token", "revoke", str(token["id"])) == revoked


def test_a_partner_is_suspended_and_resumed_from_the_command_line(database_url: str) -> None:
    rows, made = partial(rows_in, database_url), partial(made_in, database_url)
    made("program", "create", "--name", "Shop")
    made("partner", "create", "--name", "Blog", "--program-id", "1")
    token = made("token", "issue", "--role", "partner", "--partner-id", "1")
    member = made("partner", "suspend", "1", "--program-id", "1")
    assert (member["program_id"], member["partner_id"]) == (1, 1)
    assert member["suspended_at"] is not None
    assert "version" not in member
    assert [row["suspended_in"] for row in (*rows("partner", "list"), *rows("partner", "show", "1"))] == [[1], [1]]
    assert made("partner", "resume", "1", "--program-id", "1") == member | {"suspended_at": None}
    assert [row["suspended_in"] for row in rows("partner", "show", "1")] == [[]]
    assert made("token", "show", str(token["id"]))["revoked_at"] is None
    made("partner", "suspend", "1", "--program-id", "1", "--revoke-tokens")
    assert made("token", "show", str(token["id"]))["revoked_at"] is not None
    missing = clickgate(database_url, "partner", "resume", "9", "--program-id", "1")
    assert (missing.returncode, missing.stderr.splitlines()[-1]) == (1, "clickgate: Partner not found")


def test_a_partner_is_invited_from_the_command_line(database_url: str) -> None:
    made_in(database_url, "partner", "create", "--name", "Blog")
    printed = clickgate(
        database_url, "token", "sign-in-link", "--partner-id", "1", public_url="https://clicks.example.com"
    )
    link = json.loads(printed.stdout)
    assert re.fullmatch(r"https://clicks\.example\.com/dashboard#sign-in=[A-Za-z0-9_-]{43}", link["url"])
    assert (link["token_id"], "expires_at" in link) == (1, True)
    wrong = clickgate(database_url, "token", "sign-in-link", "--partner-id", "9", public_url="https://a.example")
    assert "Partner not found" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("program", "create", "--name", ""), "name must have"),
        (("program", "create", "--name", "X", "--cookie-window-days", "0"), "cookie_window_days must be"),
        (("partner", "create", "--name", "X", "--email", "nobody"), "email must be"),
        (("partner", "create", "--name", "X", "--program-id", "9"), "Program not found"),
        (("link", "create", "--code", "a b", "--program-id", "9", "--partner-id", "9"), "Partner not found"),
        (("link", "pause", "NOBODY"), "Referral link not found"),
        (("token", "issue", "--role", "program"), "program_id is required"),
        (("token", "issue", "--role", "tracking"), "program_id is required"),
        (("token", "issue", "--role", "partner", "--partner-id", "1", "--program-id", "1"), "Program not found"),
        (("token", "revoke", "7"), "Token not found"),
        (("token", "sign-in-link", "--partner-id", "1"), "Set CLICKGATE_PUBLIC_URL"),
        (("token", "issue", "--role", "admin", "--partner-id", "1"), "partner_id must be omitted for admin"),
    ],
)
def test_invalid_arguments_are_reported_in_one_line(
    make_sqlite: MakeDatabase, arguments: tuple[str, ...], complaint: str
) -> None:
    done = clickgate(make_sqlite(), *arguments)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("group", ["program", "partner", "link", "token"])
def test_each_command_shows_an_example_of_itself(group: str) -> None:
    named = cli.get_command(click.Context(cli), group)
    assert isinstance(named, click.Group)
    for name, command in named.commands.items():
        example = shlex.split((command.epilog or "").removeprefix("Example: "))
        assert example[:3] == ["clickgate", group, name]
        if name != "import":  # needs the file
            command.make_context(name, example[3:])


def test_rows_are_listed_and_shown_as_other_commands_take_them(database_url: str) -> None:
    rows, made = partial(rows_in, database_url), partial(made_in, database_url)
    program = made("program", "create", "--name", "Shop")
    partners = [made("partner", "create", "--name", name, "--program-id", "1") for name in ("Blog", "\u4e2d\u6587")]
    links = [
        made("link", "create", "--code", f"C{at}", "--program-id", "1", "--partner-id", str(at % 2 + 1))
        for at in range(3)
    ]
    token = made("token", "issue", "--role", "partner", "--partner-id", "1")
    del token["token"]
    rows("link", "pause", "C2")
    assert rows("program", "list") == rows("program", "show", "1") == [program]
    listed = [partner | {"suspended_in": []} for partner in partners[::-1]]
    assert rows("partner", "list") == rows("partner", "list", "--program-id", "1") == listed
    assert rows("partner", "list", "--program-id", "9") == []
    assert [row["code"] for row in rows("link", "list")] == ["C2", "C1", "C0"]
    assert [row["code"] for row in rows("link", "list", "--partner-id", "1", "--status", "ACTIVE")] == ["C0"]
    (shown,) = rows("link", "show", "C1")
    assert shown == {name: links[1][name] for name in shown}
    assert rows("token", "list", "--partner-id", "1") == rows("token", "show", "1") == [token]
    for missing in (("program", "show", "9"), ("link", "show", "c1"), ("token", "show", "9"), ("partner", "show", "9")):
        done = clickgate(database_url, *missing)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith("not found\n")


def test_a_terminal_gets_a_table(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    for name in ("Shop", "\u4e2d\u6587", "x" * 50):
        clickgate(url, "partner", "create", "--name", name)
    answer, ours = pty.openpty()
    done = subprocess.run(
        [COMMAND, "partner", "list"], env=environment(url), stdout=ours, stderr=subprocess.PIPE, check=True
    )
    os.close(ours)
    with open(answer, "rb") as terminal:
        told = terminal.read1(65_536).decode().splitlines()
    assert done.stderr.startswith(b"Database: ")
    assert [line.split()[:2] for line in told] == [
        ["id", "name"],
        ["3", "x" * 39 + "\N{HORIZONTAL ELLIPSIS}"],
        ["2", "\u4e2d\u6587"],
        ["1", "Shop"],
    ]
    assert told[1].index("\N{HORIZONTAL ELLIPSIS}") == told[0].index("email") - 3
    # A wide character takes two columns.
    assert told[2].index("20") == told[1].index("20") - 2


def test_rows_are_updated_as_far_as_options_are_given(database_url: str) -> None:
    made = partial(made_in, database_url)
    program = made("program", "create", "--name", "Shop", "--domain", "shop.example")
    partner = made("partner", "create", "--name", "Blog", "--program-id", "1")
    link = made("link", "create", "--code", "BLOG", "--program-id", "1", "--partner-id", "1")
    token = made("token", "issue", "--role", "admin")
    assert made("program", "update", "1", "--currency", "eur") == program | {"currency": "EUR"}
    assert made("partner", "update", "1", "--email", "b@example.com") == partner | {"email": "b@example.com"}
    assert made("link", "update", "BLOG", "--code", "SITE") == link | {"code": "SITE"}
    labelled = made("token", "update", "1", "--label", "For the shop")
    assert labelled == {name: value for name, value in token.items() if name != "token"} | {"label": "For the shop"}
    unchanged = clickgate(database_url, "link", "update", "SITE")
    assert (unchanged.returncode, unchanged.stderr.splitlines()[-1]) == (
        2,
        "Error: Nothing to change: give at least one option.",
    )


def test_a_command_names_its_database_and_creates_none(tmp_path: Path) -> None:
    file = tmp_path / "clicks.db"
    refused = clickgate(f"sqlite:///{file}", "program", "create", "--name", "Shop")
    assert (refused.returncode, file.exists()) == (1, False)
    assert "`clickgate db upgrade` creates it" in refused.stderr
    assert clickgate(f"sqlite:///{file}", "db", "upgrade").returncode == 0
    made = clickgate(f"sqlite:///{file}", "program", "create", "--name", "Shop")
    assert (made.returncode, made.stderr) == (0, f"Database: {file}\n")


async def test_a_failed_command_creates_nothing(database_url: str) -> None:
    async def count(table: type[DeclarativeBase]) -> int:
        store = Store(database_url)
        async with store.read() as connection:
            found = await connection.scalar(select(func.count()).select_from(table))
        await store.close()
        return found or 0

    await make_link(database_url)
    before = [await count(table) for table in (Partner, PartnerProgram, ReferralLink)]
    for arguments in (
        ("partner", "create", "--name", "X", "--program-id", "9"),
        ("partner", "create", "--name", "X", "--program-id", "1", "--program-id", "9"),
        ("partner", "create", "--name", "X", "--program-id", "1", "--email", "nobody"),
    ):
        assert clickgate(database_url, *arguments).returncode == 1
    assert [await count(table) for table in (Partner, PartnerProgram, ReferralLink)] == before
    partner = json.loads(clickgate(database_url, "partner", "create", "--name", "X").stdout)
    new = ("link", "create", "--partner-id", str(partner["id"]), "--program-id", "1")
    for wrong in (("--code", "PARTNER123"), ("--code", "a b"), ("--code", "NEW", "--destination-url", "nonsense")):
        assert clickgate(database_url, *new, *wrong).returncode == 1
        assert await count(PartnerProgram) == before[1]
    assert clickgate(database_url, *new, "--code", "NEW").returncode == 0
    assert await count(PartnerProgram) == before[1] + 1


def test_a_taken_code_is_refused(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    clickgate(url, "program", "create", "--name", "Shop")
    clickgate(url, "partner", "create", "--name", "Blog")
    new = ("link", "create", "--code", "BLOG", "--program-id", "1", "--partner-id", "1")
    assert clickgate(url, *new).returncode == 0
    again = clickgate(url, *new)
    assert again.returncode == 1
    assert "already taken" in again.stderr


def test_links_are_imported_from_a_file_all_or_none(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    url, file = make_sqlite(), tmp_path / "links.csv"
    clickgate(url, "program", "create", "--name", "Shop")
    clickgate(url, "partner", "create", "--name", "Blog", "--program-id", "1")
    command = ("link", "import", str(file), "--program-id", "1")
    file.write_text("partner_id,code\n1,SPRING\n1,a b\n")
    refused = clickgate(url, *command)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[1:] == [
        "clickgate: line 3: code must consist of 1 to 64 letters, digits, - and _"
    ]
    assert json.loads(refused.stdout) == {"links": 1, "problems": 1, "created": 0}
    file.write_text("partner_id,code\n1,SPRING\n1,\n")
    assert json.loads(clickgate(url, *command, "--preview").stdout) == {"links": 2, "problems": 0, "created": 0}
    assert json.loads(clickgate(url, *command).stdout) == {"links": 2, "problems": 0, "created": 2}
    file.write_bytes(b"\xff")
    unreadable = clickgate(url, *command)
    assert (unreadable.returncode, unreadable.stderr) == (1, "clickgate: file must be UTF-8\n")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("port", "many"), ("ip_storage", "some"), ("trusted_proxies", "10.0.0.0/99"), ("rate_limit", "lots")],
)
def test_an_invalid_setting_is_named(make_sqlite: MakeDatabase, setting: str, value: str) -> None:
    done = clickgate(make_sqlite(), "serve", **{setting: value})
    assert done.returncode == 2
    assert PREFIX + setting.upper() in done.stderr


def test_several_processes_on_sqlite_are_refused_with_the_reason(make_sqlite: MakeDatabase) -> None:
    done = clickgate(make_sqlite(), "serve", "--workers", "2")
    assert done.returncode == 1
    assert "SQLite allows one writer at a time" in done.stderr


def test_a_missing_city_database_is_named(make_sqlite: MakeDatabase) -> None:
    done = clickgate(make_sqlite(), "serve", "--port", "0", geoip_db="/nowhere/city.mmdb")
    assert done.returncode == 1
    assert "/nowhere/city.mmdb" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unreachable_database_is_named_at_start() -> None:
    done = clickgate("postgresql://nobody@127.0.0.1:1/nothing", "serve")
    assert done.returncode == 1
    assert "the database is unavailable" in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_an_audit_finds_a_counter_that_was_tampered_with(database_url: str) -> None:
    await make_link(database_url)
    assert clickgate(database_url, "audit").returncode == 0
    store = Store(database_url)
    async with store.write() as connection:
        await connection.execute(text("UPDATE referral_links SET clicks = 5"))
    await store.close()
    done = clickgate(database_url, "audit")
    assert done.returncode == 1
    (difference,) = json.loads(done.stdout)["differences"]
    assert (difference["counter"], difference["counted"], difference["events"]) == ("link PARTNER123", 5, 0)


def test_an_audit_of_a_missing_file_fails_and_does_not_create_it(tmp_path: Path) -> None:
    done = clickgate(f"sqlite:///{tmp_path / 'nothing.db'}", "audit")
    assert done.returncode == 1
    assert "nothing.db" in done.stderr
    assert not list(tmp_path.iterdir())


async def test_a_newer_schema_is_refused(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    store = Store(url)
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    done = clickgate(url, "db", "upgrade")
    assert done.returncode == 1
    assert "newer" in done.stderr
    assert len(done.stderr.splitlines()) == 1
