"""The examples on the page about exports work as they stand, and what they download is complete."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.docs.test_examples import ADDRESS
from tests.support.databases import MakeDatabase
from tests.support.documents import DOCS, blocks
from tests.support.exports import exported
from tests.support.gateways import Gateway, running_gateway
from tests.support.merchants import make_merchant

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine"),
    pytest.mark.slow,
]

PLAIN, FILTERED, CONDITIONED, RESUMED = [block.text for block in blocks(DOCS / "exports.md") if block.language == "sh"]


async def ran(gateway: Gateway, script: str, folder: Path) -> str:
    """Run an example in a folder; return the token that it used."""
    token = await gateway.token()
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script.replace(ADDRESS, str(gateway.http.base_url).rstrip("/"))),
        env={"CLICKGATE_TOKEN": token, "PATH": "/usr/bin:/bin"},
        cwd=folder,
    )
    assert await process.wait() == 0
    return token


async def test_the_examples_download_files(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        await gateway.track()
        token = await ran(gateway, PLAIN, tmp_path)
        assert (tmp_path / "clicks.csv").read_bytes() == (await exported(gateway, token, "clicks", "csv")).content
        for script, name in ((FILTERED, "may.csv"), (CONDITIONED, "elsewhere.csv")):
            await ran(gateway, script, tmp_path)
            head, _, rest = (tmp_path / name).read_text().partition("\n")
            assert head.startswith("id,database_id,")
            assert not rest


@pytest.mark.parametrize("known", [0, 1, 2, 3])
async def test_a_download_that_was_broken_off_is_resumed(make_sqlite: MakeDatabase, tmp_path: Path, known: int) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        merchant = await make_merchant(gateway)
        click_id = await merchant.visitor()
        for number in range(3):
            await merchant.sale(click_id=click_id, customer_key="key", transaction_id=f"{number}", amount_cents=100)
        whole = (await exported(gateway, await gateway.token(), "sales")).text
        lines = whole.splitlines(keepends=True)
        file = tmp_path / "sales.ndjson"
        file.write_text("".join(lines[:known]) + (lines[known][:100] if known < len(lines) else ""))
        await ran(gateway, RESUMED, tmp_path)
        assert file.read_text() == whole
