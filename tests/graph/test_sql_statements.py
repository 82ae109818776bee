"""What a query costs the database: the same number of statements for fifty rows as for one, and none that reads much
more of a large table than it returns."""

import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import product
from typing import Any
from unittest.mock import patch

import pytest
from graphql import get_named_type
from msgspec.structs import replace

from db.engine.postgresql.backend import READER_SESSION
from gateway.configuration.settings import PREFIX, Settings
from gateway.services import offline_services
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from graph.domain.scope import Viewer
from graph.execution.limits import Limits
from graph.query.entities import ENTITIES
from graph.query.global_ids import encode_id
from graph.schema.build import build_schema
from tests.support.bulk_data import make_crowd, make_masses
from tests.support.click_sample import global_ids
from tests.support.schema_documents import everything, orders_of
from tests.support.schema_lists import LISTS, List, Lists, few_and_other_lists
from tests.support.sql_log import Cost, PostgresWatch, SqliteWatch, Statement, postgres_costs, sqlite_cost

pytestmark = pytest.mark.not_on_citus("reads the log of the tests' own server")
# These tests ask for far more at once than anybody may.
SCHEMA = build_schema(Limits(depth=50, aliases=1000, directives=0, tokens=10**6, cost=10**9))
ROWS = 51
# Far more than a page has, and much less than the large tables.
MANY = 20_000
CONVERSIONS = {"affiliate_lead_events", "affiliate_sales", "affiliate_refunds", "affiliate_commissions"}
LARGE = {"customers", "affiliate_click_events", "click_rollups", *CONVERSIONS}
NO_SETTINGS: Mapping[str, str] = {}
OFFSET = re.compile(r"\boffset\s+(\?|\S+)", re.IGNORECASE)
VIEWERS = (
    Viewer("program", program_id=1),
    Viewer("partner", partner_id=1),
    Viewer("partner", partner_id=1, program_id=1),
    Viewer("tracking", program_id=1),
)


class Asked:
    """A database whose statements are watched, asked by whoever is named; no gateway runs beside it."""

    def __init__(self, context: Context, watch: SqliteWatch | PostgresWatch) -> None:
        self.store = context.services.store
        self._context = context
        self._watch = watch
        # The most that a statement may look at. SQLite counts steps, and could not look at each row in two.
        self.most_read = 2 * MANY if isinstance(watch, SqliteWatch) else MANY // 10

    async def statements(self, document: str, viewer: Viewer = ADMINISTRATOR, **variables: Any) -> list[Statement]:
        """Return the statements that a query runs which was asked before."""
        await self._answer(document, viewer, variables)
        self._watch.take()
        await self._answer(document, viewer, variables)
        return [statement for statement in self._watch.take() if not statement.is_frame]

    async def costs(self, statements: Sequence[Statement], session: Mapping[str, str] = NO_SETTINGS) -> list[Cost]:
        """Return what statements cost; on PostgreSQL, in a session with some settings."""
        if isinstance(self._watch, SqliteWatch):
            return [sqlite_cost(self.store.url.database or "", statement, LARGE) for statement in statements]
        url = self.store.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return await postgres_costs(url, statements, LARGE, session)

    async def _answer(self, document: str, viewer: Viewer, variables: dict[str, Any]) -> None:
        answer = await SCHEMA.execute(document, variables, replace(self._context, viewer=viewer))
        assert not answer.errors, (document, answer.errors)


@pytest.fixture
def watch(request: pytest.FixtureRequest, database_url: str) -> Iterator[SqliteWatch | PostgresWatch]:
    if database_url.startswith("sqlite"):
        with SqliteWatch().watching() as watch:
            yield watch
    else:
        (name,) = re.findall(r"/(clicks_\d+)", database_url)
        yield PostgresWatch(request.getfixturevalue("postgres"), name)


@pytest.fixture
async def asked(database_url: str, watch: SqliteWatch | PostgresWatch) -> AsyncIterator[Asked]:
    with patch.dict(os.environ, {PREFIX + "DATABASE_URL": database_url}):
        async with offline_services(Settings()) as services:
            await make_crowd(services.store, ROWS)
            yield Asked(Context(services), watch)


def page_of(each: List, depth: int) -> str:
    """Return the query for a page of a list, the first rows first, which have the most around them."""
    return each.document(everything(get_named_type(each.field.type), depth), orderBy=_earliest(each))


def _earliest(each: List) -> str:
    return orders_of(each.field)[0]


@pytest.mark.slow
@few_and_other_lists
async def test_a_page_of_fifty_rows_takes_as_many_statements_as_a_page_of_one(asked: Asked, lists: Lists) -> None:
    for each in lists:
        # A list at the root contains all others, so that these are nested as deep.
        document = page_of(each, 2 if each.parent is None else 1)
        one, fifty = [len(await asked.statements(document, first=size)) for size in (1, 50)]
        assert one == fifty > 0, str(each)


async def test_a_field_selected_twice_is_returned_twice(asked: Asked) -> None:
    selection = "{ totalCount nodes { partners { nodes { id } } } }"
    one = await asked.statements(f"{{ a: programs {selection} }}")
    two = await asked.statements(f"{{ a: programs {selection} b: programs {selection} }}")
    assert len(two) == 2 * len(one) == 6


async def test_a_report_takes_as_many_statements_with_conversions_as_without(asked: Asked) -> None:
    document = """{ clickReport(from: "2026-03-02T00:00:00Z", to: "2026-03-08T00:00:00Z") {
      clicks MORE series(interval: DAY) { clicks MORE } top(by: LINK) { value clicks MORE }
    } }"""
    for more in ("", "sales revenue { amount }"):
        # The totals are the sum of the series. Segments of clicks and of bookings take four statements each.
        assert len(await asked.statements(document.replace("MORE", more))) == 1 + 2 * 4
    by_dimension = document.replace("LINK", "COUNTRY")
    plain, converted = [len(await asked.statements(by_dimension.replace("MORE", more))) for more in ("", "sales")]
    assert plain == converted
    alone = """{ clickReport(from: "2026-03-02T00:00:00Z", to: "2026-03-08T00:00:00Z") { leads } }"""
    assert len(await asked.statements(alone)) == 1


async def test_joins_only_touch_rows_of_the_page(asked: Asked) -> None:
    costs = []
    for more in ("", "referralLink { code } partner { name }"):
        statements = await asked.statements(f"{{ customers(first: 2) {{ nodes {{ id {more} }} }} }}")
        costs += await asked.costs(statements)
    plain, joined = costs
    # Each of fifty programs has a row that could be in it. To join them all takes SQLite 700 steps; on PostgreSQL,
    # small tables are not counted.
    assert joined.read - plain.read < 400


@few_and_other_lists
async def test_no_page_uses_offset_or_counts_rows_unasked(asked: Asked, lists: Lists) -> None:
    for each in lists:
        for statement in await asked.statements(page_of(each, 1).replace("totalCount", ""), first=10):
            assert not re.search(r"\bcount\s*\(", statement.sql, re.IGNORECASE), (str(each), statement.sql)
            assert skipped(statement) <= {0}, (str(each), statement.sql)
            limits = re.findall(r"\blimit\s+(\S+)", statement.sql, re.IGNORECASE)
            assert all(re.match(r"[$?:(]", limit) for limit in limits), (str(each), statement.sql)


def skipped(statement: Statement) -> set[Any]:
    """Return how many rows a statement skips. SQLAlchemy writes an offset of nothing beside each limit for SQLite."""
    places = [(statement.sql[: found.start()].count("?"), found[1]) for found in OFFSET.finditer(statement.sql)]
    return {statement.values[number] if offset == "?" else offset for number, offset in places}


REPORTS = (
    """{
      clickReport(from: "2026-03-05T00:10:00Z", to: "2026-03-06T00:00:00Z", timezone: "Asia/Kolkata") {
        clicks series(interval: HOUR) { clicks } top(by: COUNTRY, limit: 5) { value clicks }
      }
    }""",
    """{
      clickReport(from: "2026-03-02T00:00:00Z", to: "2026-03-08T00:00:00Z") {
        clicks series(interval: DAY) { clicks } top(by: PAGE) { value clicks }
      }
    }""",
    *(
        """{
          clickReport(
            from: "2026-02-28T23:00:00Z", to: "2026-03-08T23:00:00Z", timezone: "Europe/Berlin", filter: { FILTER }
          ) { clicks series(interval: DAY) { clicks } top(by: PAGE) { value clicks } }
        }""".replace("FILTER", f'{name}: ["{encode_id(kind, 1)}"]')
        for name, kind in (("partnerIds", "Partner"), ("referralLinkIds", "ReferralLink"))
    ),
)


@pytest.mark.slow
async def test_no_page_or_report_scans_a_large_table(asked: Asked) -> None:
    await make_masses(asked.store, MANY)
    (whole,) = await asked.costs([Statement("SELECT id FROM customers WHERE click_id = 'nobody'")])
    assert whole.scanned == {"customers"}
    assert whole.read > asked.most_read
    pages = [page_of(each, 1).replace("totalCount", "") for each in LISTS if ENTITIES[each.kind].is_large]
    queries = [(viewer, page, {"first": 10}) for viewer in VIEWERS for page in pages]
    queries += [(viewer, report, {}) for viewer in (*VIEWERS, ADMINISTRATOR) for report in REPORTS]
    for viewer, document, given in queries:
        statements = await asked.statements(document, viewer, **given)
        for statement, cost in zip(statements, await asked.costs(statements, READER_SESSION), strict=True):
            # A tracking token sees nothing: SQLite plans a scan that `WHERE 0 = 1` never begins.
            assert not cost.scanned or (viewer.role, cost.read) == ("tracking", 0), statement.sql
            assert cost.read < asked.most_read, statement.sql


# What a page of clicks may be confined to: to several rows, whose clicks are each in an index, in the second case only
# few of all clicks; or to what nearly every click has, which is tested on the way.
CONDITIONS = {
    "links": f"{{dimension: LINK, in: {global_ids('ReferralLink', 1, 2, 3, 4, 5)}}}",
    "links with few clicks": f"{{dimension: LINK, in: {global_ids('ReferralLink', 5, 6, 7)}}}",
    "partners": f"{{dimension: PARTNER, in: {global_ids('Partner', 1, 2, 3, 7)}}}",
    "programs": f"{{dimension: PROGRAM, in: {global_ids('Program', 1, 2)}}}",
    "links and not partners": f"""{{dimension: LINK, in: {global_ids("ReferralLink", 1, 2)}}}
        {{dimension: PARTNER, notIn: {global_ids("Partner", 9)}}}""",
    "no links": f"{{dimension: LINK, notIn: {global_ids('ReferralLink', 5, 6)}}}",
    "texts": '{dimension: COUNTRY, notIn: ["DE"]} {dimension: REFERRER, isKnown: false}',
    "times": '{dimension: HOUR_OF_DAY, notIn: ["03"]}',
}


@pytest.mark.slow
async def test_no_page_with_conditions_scans_a_large_table(asked: Asked) -> None:
    await make_masses(asked.store, MANY)
    period = 'occurredFrom: "2026-03-01T00:00:00Z", occurredTo: "2026-12-01T00:00:00Z", timezone: "Europe/Berlin"'
    for (name, conditions), direction in product(CONDITIONS.items(), ("DESC", "ASC")):
        filter, order = f"{period}, where: [{conditions}]", f"field: OCCURRED_AT, direction: {direction}"
        document = f"""{{ clickEvents(first: 10, filter: {{{filter}}}, orderBy: {{{order}}}) {{
          nodes {{ id country referralLink {{ code }} }} pageInfo {{ hasNextPage }}
        }} }}"""
        for viewer in (*VIEWERS[:3], ADMINISTRATOR):
            statements = await asked.statements(document, viewer)
            costs = await asked.costs(statements, READER_SESSION)
            for statement, cost in zip(statements, costs, strict=True):
                assert not cost.scanned, (name, direction, viewer, statement.sql)
                assert cost.read < asked.most_read, (name, direction, viewer, cost, statement.sql)
