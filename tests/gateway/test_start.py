"""A gateway that cannot start reports it in one line, without a traceback."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from db.engine.store import Store
from tests.support.databases import MakeDatabase
from tests.support.processes import clickgate, free_port

pytestmark = pytest.mark.slow


def refused(url: str) -> str:
    """Try to serve, and return the error message."""
    done = clickgate(url, "serve", "--port", str(free_port()), log_format="json")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_directory_is_refused_as_a_database(tmp_path: Path) -> None:
    assert "is a directory" in refused(f"sqlite:///{tmp_path}")


def test_a_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_bytes(b"Dear diary, " * 1000)
    assert refused(f"sqlite:///{tmp_path / 'notes.db'}").splitlines() == [
        f"clickgate: {tmp_path / 'notes.db'} is not a SQLite database"
    ]


def test_a_truncated_database_is_reported(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    with open(url.removeprefix("sqlite:///"), "r+b") as file:
        file.truncate(50_000)
    assert len(refused(url).splitlines()) == 1


def test_a_database_of_another_application_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name)")
    (line,) = refused(f"sqlite:///{path}").splitlines()
    assert "it is either damaged or not a clickgate database" in line


@pytest.mark.parametrize("statement", ["DROP TABLE alembic_version", "DELETE FROM alembic_version"])
async def test_a_schema_without_a_revision_is_reported(database_url: str, statement: str) -> None:
    store = Store(database_url)
    async with store.write() as connection:
        await connection.execute(text(statement))
    await store.close()
    (line,) = refused(database_url).splitlines()
    assert "no schema version in alembic_version" in line


async def test_a_database_without_a_table_is_reported(database_url: str) -> None:
    store = Store(database_url)
    async with store.write() as connection:
        await connection.execute(text("DROP TABLE link_directory_version"))
    await store.close()
    assert "link_directory_version" in refused(database_url)
