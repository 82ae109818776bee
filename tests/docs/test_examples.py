"""The examples on the pages work as they stand: queries, requests by curl, and commands."""

import asyncio
import json
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from graph.query.global_ids import encode_id
from tests.support.databases import MakeDatabase
from tests.support.documents import DOCS, ROOT, Block, blocks, blocks_in, queries_to_start_from
from tests.support.gateways import Gateway, running_gateway
from tests.support.graphql_sockets import Subscriber, opened
from tests.support.merchants import make_merchant
from tests.support.processes import clickgate

ADDRESS = "http://127.0.0.1:8000"
QUERIES = [block for block in blocks_in("graphql") if not block.text.startswith("subscription")]
SUBSCRIPTIONS = [block for block in blocks_in("graphql") if block.text.startswith("subscription")]
# Differ from those on the page.
IDS = {"click_id", "sale_id", "commission_id", "short_code", "customer_key"}
CURL = 'curl() { command curl --silent --show-error --fail "$@"; }\n'
# Pages whose commands are run one after the other: those of the second need what those of the first have made.
IN_ORDER = [(ROOT / "README.md",), (DOCS / "getting-started.md",), (DOCS / "operating.md", DOCS / "graphql.md")]


def name_of(block: Block) -> str:
    return f"{block.document.stem}: {block.text.splitlines()[0]}"


def test_there_are_six_queries_to_start_from() -> None:
    assert len(queries_to_start_from()) == 6


@pytest.mark.slow
@pytest.mark.parametrize("role", ["admin", "program", "partner"])
async def test_the_queries_to_start_from_answer_with_data(gateway: Gateway, role: str) -> None:
    link = await gateway.link()
    await gateway.track()
    bounds = {} if role == "admin" else {f"{role}_id": link[f"{role}_id"]}
    token = await gateway.token(role, **bounds)  # type: ignore[arg-type]  # one of the three roles
    for query in queries_to_start_from():
        answer = await gateway.graphql(query, token=token)
        assert "errors" not in answer
        assert all(part for part in answer["data"].values())


@pytest.mark.slow
@pytest.mark.parametrize("block", QUERIES, ids=name_of)
async def test_a_query_or_mutation_is_answered(gateway: Gateway, block: Block) -> None:
    link = await gateway.link()
    await gateway.track()
    variables = {
        "program": encode_id("Program", link["program_id"]),
        "partner": encode_id("Partner", link["partner_id"]),
    }
    given = {name: value for name, value in variables.items() if f"${name}:" in block.text}
    answer = await gateway.graphql(block.text, given, token=await gateway.token())
    assert "errors" not in answer
    for part in answer["data"].values():
        assert part
        assert not part.get("userErrors")


@pytest.mark.slow
@pytest.mark.parametrize("block", SUBSCRIPTIONS, ids=name_of)
async def test_a_subscription_reports_a_click(gateway: Gateway, block: Block) -> None:
    await gateway.link()
    async with opened(str(gateway.http.base_url), await gateway.token()) as socket:
        subscriber = Subscriber(socket)
        await subscriber.subscribe(block.text)
        await subscriber.begin(gateway)


def requests_by_curl() -> Iterator[Any]:
    """Yield each block that calls curl, with the JSON that the page shows after it as the answer. Those of exports
    are in `test_export_examples`."""
    for page in (ROOT / "README.md", *sorted({*DOCS.glob("*.md")} - {DOCS / "exports.md"})):
        for block, after in pairwise([*blocks(page), Block(page, "", "")]):
            if block.language == "sh" and "curl " in block.text:
                shown = json.loads(after.text) if after.language == "json" else None
                yield pytest.param(block, shown, id=name_of(block))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
@pytest.mark.parametrize(("block", "shown"), list(requests_by_curl()))
async def test_a_request_by_curl_is_answered(make_sqlite: MakeDatabase, block: Block, shown: Any) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        environment = await _world(gateway, is_sold="track/refund" in block.text)
        assert ADDRESS in block.text
        script = CURL + block.text.replace(ADDRESS, str(gateway.http.base_url).rstrip("/"))
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script, env=environment, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    answer = json.loads(output)
    assert not answer.get("errors")
    if shown is not None:
        assert _without_ids(answer) == _without_ids(shown)


async def _world(gateway: Gateway, *, is_sold: bool) -> dict[str, str]:
    """Make what the pages' requests are about: a program that pays 20 %, a visitor who signed up and perhaps bought.
    Return the variables that the requests use."""
    merchant = await make_merchant(gateway)
    await merchant.rule(basis_points=2000)
    click_id = await merchant.visitor()
    await merchant.lead(click_id=click_id, customer_key="user_1001")
    if is_sold:
        await merchant.sale(transaction_id="txn_1001", amount_cents=4999, customer_key="user_1001")
    return {
        "CLICK_ID": click_id,
        "CLICKGATE_TOKEN": await gateway.token(),
        "CLICKGATE_TRACKING_TOKEN": merchant.token,
        "CLICKGATE_PROGRAM_TOKEN": await gateway.token("program", program_id=merchant.program_id),
    }


def _without_ids(value: Any) -> Any:
    """Return an answer without the ids in it, at any depth."""
    if not isinstance(value, dict):
        return value
    return {name: None if name in IDS else _without_ids(part) for name, part in value.items()}


@pytest.mark.slow
@pytest.mark.parametrize("pages", IN_ORDER, ids=lambda pages: pages[0].stem)
def test_the_commands_of_a_page_run_in_their_order(pages: Sequence[Path], database_url: str, tmp_path: Path) -> None:
    texts = "".join(block.text for page in pages for block in blocks(page) if block.language == "sh")
    lines = [line for line in texts.splitlines() if line.startswith("clickgate ") and " serve" not in line]
    assert lines
    for line in lines:
        _, *arguments = shlex.split(line.replace("backup.db", str(tmp_path / "backup.db")))
        if arguments[0] == "backup" and not database_url.startswith("sqlite"):
            continue
        done = clickgate(database_url, *arguments)
        assert done.returncode == 0, (line, done.stderr)
        assert re.search(r"\w", done.stdout), line
