"""The key of the digests of e-mail addresses: where it is kept, and that all gateways use the same."""

import asyncio
from pathlib import Path

import pytest

from db.engine.store import Store
from db.schema.secrets import Secret
from gateway.configuration.errors import EmailKeyError
from gateway.email_key import EmailKey
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.processes import clickgate


async def test_gateways_of_a_database_share_one_key(database_url: str) -> None:
    stores = [Store(database_url) for _ in range(4)]
    keys = await asyncio.gather(*(EmailKey(store, None)() for store in stores))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 64
    for store in stores:
        await store.close()


async def test_the_first_start_makes_the_key_and_later_ones_keep_it(database_url: str) -> None:
    async with running_gateway(database_url) as gateway:
        (row,) = await gateway.rows(Secret)
    async with running_gateway(database_url) as gateway:
        assert await gateway.rows(Secret) == [row]
    assert row["name"] == "email_key"


async def test_a_key_file_is_made_for_its_owner_only_and_kept(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    file = tmp_path / "email.key"
    for _ in range(2):
        async with running_gateway(make_sqlite(), email_key_file=str(file)) as gateway:
            assert await gateway.rows(Secret) == []
        assert file.stat().st_mode & 0o777 == 0o600
        assert [each.name for each in tmp_path.iterdir()] == ["email.key"]
    made = file.read_bytes()
    store = Store(make_sqlite())
    assert await EmailKey(store, file)() == made.strip()
    assert len(made.strip()) == 64
    await store.close()


async def test_an_operators_key_is_used_as_it_is(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    file = tmp_path / "email.key"
    file.write_bytes(b"  sixteen bytes or more \n")
    store = Store(make_sqlite())
    assert await EmailKey(store, file)() == b"sixteen bytes or more"
    await store.close()


async def test_gateways_that_make_a_key_file_at_once_use_the_same(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    store = Store(make_sqlite())
    makers = [EmailKey(store, tmp_path / "email.key") for _ in range(8)]
    keys = await asyncio.gather(*(asyncio.to_thread(asyncio.run, maker()) for maker in makers))
    assert len(set(keys)) == 1
    await store.close()


@pytest.mark.parametrize("content", [b"", b"  \n", b"short"])
async def test_a_key_that_is_too_short_is_refused(make_sqlite: MakeDatabase, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "email.key").write_bytes(content)
    store = Store(make_sqlite())
    with pytest.raises(EmailKeyError, match="at least 16 bytes"):
        await EmailKey(store, tmp_path / "email.key")()
    await store.close()


@pytest.mark.slow
def test_a_file_that_cannot_be_made_stops_the_start_with_one_line(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    for file in (tmp_path / "nowhere" / "email.key", tmp_path):
        done = clickgate(make_sqlite(), "serve", "--port", "0", email_key_file=str(file))
        assert done.returncode != 0
        assert f"{file}: the key for e-mail addresses cannot be read or made" in done.stderr
        assert "Traceback" not in done.stderr
