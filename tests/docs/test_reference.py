"""What the pages list is what there is: settings, commands, metrics, lines of the log, and codes of errors."""

import ast
import re
from collections.abc import Iterator

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.cli.main import cli
from gateway.configuration.settings import PREFIX, Settings
from graph.domain.errors import ClickgateError, ReportTooLarge, TooComplex
from tests.support.databases import MakeDatabase
from tests.support.documents import DOCS, DOCUMENTS, ROOT, first_cells, quoted
from tests.support.gateways import running_gateway

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
PLACEHOLDER = re.compile(r"%[.\d]*[sdgfr]")
# The only message that is an error's own text.
OUTAGE = "the database is unavailable: …"


def test_every_setting_is_listed_with_its_default() -> None:
    text = (DOCS / "settings.md").read_text()
    rows = dict(re.findall(rf"^\| `({PREFIX}[A-Z_]+)` \| ([^|]*) \|", text, re.MULTILINE))
    for name, field in Settings.model_fields.items():
        default = ",".join(field.default) if isinstance(field.default, tuple) else str(field.default or "")
        assert rows.pop(PREFIX + name.upper()).strip() == (f"`{default}`" if default else "")
    assert not rows


def commands(command: click.Command, path: str = "") -> Iterator[str]:
    """Yield the full name of each command."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, f"{path} {name}".strip())
    else:
        yield path


@pytest.mark.slow
def test_every_command_is_listed_and_those_that_are_named_exist() -> None:
    names = set(commands(cli))
    assert names <= quoted(DOCS / "operating.md")
    for document in DOCUMENTS:
        for text in quoted(document):
            if match := re.fullmatch(r"clickgate ([a-z]+(?: [a-z][a-z-]*)?)(?: .*)?", text):
                assert match[1] in names or match[1].partition(" ")[0] in names, (document.name, text)


async def test_every_metric_is_listed(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.graphql("{ __typename }")  # is built while the gateway runs already, and its metrics with it
        scraped = (await gateway.http.get("/metrics")).text
    names = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(scraped)
        if family.name.startswith("clickgate_") and not family.name.endswith("_created")
    }
    listed = {name for name in first_cells(DOCS / "metrics.md") if re.fullmatch(r"clickgate_\w+", name)}
    assert listed == names


def message_of(call: ast.Call) -> str:
    """Return the text of a logger's call, with `…` for each value in it."""
    message = call.args[0]
    assert isinstance(message, ast.Constant), f"a log message has to be a constant: {ast.unparse(call)}"
    text = PLACEHOLDER.sub("…", str(message.value))
    return OUTAGE if text == "…" else text


def logged() -> Iterator[str]:
    """Yield the texts of all that the product logs."""
    for folder in ("gateway", "rest", "graph", "db"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in LEVELS
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "logger"
                ):
                    yield message_of(node)


@pytest.mark.slow
def test_every_line_of_the_log_is_listed() -> None:
    listed = first_cells(DOCS / "log.md")
    # A click or a batch of them, whichever it was.
    texts = {text for text in logged() if text != "… could not be recorded"}
    assert listed - texts == {"a click could not be recorded", "a batch of … clicks could not be recorded"}
    assert texts <= listed


def kinds(error: type[ClickgateError]) -> Iterator[type[ClickgateError]]:
    """Yield the kinds of an error that have no kinds of their own."""
    for kind in error.__subclasses__():
        yield from kinds(kind) if kind.__subclasses__() else (kind,)


# Clients see the code of another error.
SHOWN_AS: dict[type[ClickgateError], type[ClickgateError]] = {ReportTooLarge: TooComplex}


def test_every_code_of_an_error_is_listed() -> None:
    listed = {text for name in ("rest", "graphql", "exports", "metrics") for text in quoted(DOCS / f"{name}.md")}
    known = {kind for kind in kinds(ClickgateError) if kind.__module__ == ClickgateError.__module__}
    codes = {SHOWN_AS.get(kind, kind).code for kind in known}
    assert not {code for code in codes if not {code, code.upper()} & listed}
    sources = "".join(file.read_text() for file in (ROOT / "graph").rglob("*.py"))
    assert set(re.findall(r'"code": "([A-Z_]+)"', sources)) <= first_cells(DOCS / "graphql.md")


def test_every_outcome_of_a_request_is_listed() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "rest").glob("*.py"))
    outcomes = set(re.findall(r'\bResponse\(\s*"(\w+)"', sources))
    assert len(outcomes) > 3
    assert outcomes <= quoted(DOCS / "metrics.md")
