"""Caches whose entries a client determines are bounded by the memory that they take."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest
from graphql import FieldNode, NameNode, OperationDefinitionNode, OperationType, SelectionSetNode
from graphql.execution.values import VariableValues

from db.rollups.buckets import Form, Kind
from db.rollups.sources import CLICKS
from db.sql.compiled_queries import DialectQuery
from db.sql.statement_form import StatementForm
from graph.execution.documents import DerivedValues
from graph.execution.selections import LookAhead, SelectedField
from graph.http.content_negotiation import is_readable, response_media_type, takes_gzip
from graph.query import compiler, response_objects
from graph.query.plan import Edges, Field, Nodes, PagePlan, RowPlan, ToOne, TotalCount
from graph.query.response_objects import object_type
from graph.query.statements import PageStatement
from graph.reports import statements
from graph.reports.filters import ClickSelection
from graph.reports.statements import Asked
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.schema_documents import SCHEMA

pytestmark = pytest.mark.slow

KIBIBYTE = 1024
OWNERS = ("program", "partner", "customer")
NOT_UNDERSTATED = 1.3
# The most rollups that can be moved: quarters of an hour, hours and days, added and taken off.
FORM = Form(tuple(Kind(weight, span) for weight in (-1, 1) for span in (900, 3600, 86_400)), True)


@pytest.fixture(scope="module", autouse=True)
def short_collections() -> None:
    """Exempt what earlier tests left from the many garbage collections here, which would each go through all of it."""
    gc.collect()
    gc.freeze()


def taken_by(make: Callable[[], object]) -> int:
    """Return the memory that is still in use after a call, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        del made


def held_by(make: Callable[[], object]) -> int:
    """Return the memory that what a call made holds by itself, in bytes: what is free again once it is dropped.

    What it shares with others, such as the tables in which a library remembers types, grows by leaps of its own.
    """
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        in_use = tracemalloc.get_traced_memory()[0]
        del made
        gc.collect()
        return in_use - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def clicks(number: int, fields: int, alias: str = "value") -> PagePlan:
    """Return a plan of clicks with references, which differs from that of any other number."""
    names = ["occurred_at", "page_url", "country", "city", "os"]
    values = tuple(Field(f"{alias}{number}_{at}", names[at % len(names)]) for at in range(fields))
    owners = (ToOne(name, name, RowPlan(name.capitalize(), (Field("id", "id"),))) for name in OWNERS)
    row = RowPlan("ClickEvent", (*values, *owners))
    parts = (Nodes("nodes", row), Edges("edges", (Nodes("node", row),)), TotalCount("totalCount"))
    return PagePlan(0, "ClickEvent", "occurred_at", True, (), (), False, parts)


@pytest.mark.parametrize(("fields", "alias"), [(1, "a"), (5, "a"), (150, "a"), (150, "a" * 250)])
@pytest.mark.parametrize(
    "form",
    [StatementForm(is_sqlite=True), StatementForm(is_sqlite=False), StatementForm(is_sqlite=False, is_cluster=True)],
)
def test_the_size_of_a_statement_is_not_understated(fields: int, alias: str, form: StatementForm) -> None:
    def compiled(number: int) -> PageStatement:
        plan = clicks(number, fields, alias)
        return compiler.page_statement.__wrapped__(plan, (), "admin", form)

    first = compiled(0)
    assert held_by(lambda: [compiled(number) for number in (1, 2, 3)]) <= NOT_UNDERSTATED * 3 * first.size_bytes


@pytest.mark.parametrize("is_sqlite", [True, False])
def test_the_size_of_a_report_s_statement_is_not_understated(is_sqlite: bool) -> None:
    def compiled() -> DialectQuery:
        asked = Asked(ClickSelection("partner", of_links=True), None, FORM, is_sqlite)
        return statements.series.__wrapped__(asked, CLICKS)

    first = compiled()
    assert held_by(lambda: [compiled() for _ in range(5)]) <= NOT_UNDERSTATED * 5 * first.size_bytes


@pytest.mark.parametrize(("fields", "letters"), [(3, 10), (200, 10), (200, 256)])
def test_the_size_of_an_object_type_is_not_understated(fields: int, letters: int) -> None:
    object_type(["first"])
    before = response_objects.cached_types.currsize
    taken = taken_by(lambda: [object_type([f"{at}_{key}".ljust(letters) for key in range(fields)]) for at in range(20)])
    assert taken <= NOT_UNDERSTATED * (response_objects.cached_types.currsize - before)


@pytest.mark.parametrize("read", [response_media_type, takes_gzip, is_readable])
def test_long_headers_are_not_kept(read: Callable[[str | None], object]) -> None:
    assert taken_by(lambda: [read(f"x/{at};".ljust(32 * KIBIBYTE, "x")) and None for at in range(100)]) < 64 * KIBIBYTE


def test_names_within_a_json_variable_are_not_kept() -> None:
    operation = OperationDefinitionNode(operation=OperationType.QUERY, selection_set=SelectionSetNode(selections=()))
    field, derived = FieldNode(name=NameNode(value="id")), DerivedValues()

    def derive(names: int) -> None:
        for at in range(10):
            variables = VariableValues({}, {"data": {f"{at}_{name}": 1 for name in range(names)}})
            ahead = LookAhead(SCHEMA, {}, variables, operation=operation, derived=derived)
            SelectedField(ahead, "id", [field], ahead.object_type("Query")).cached(lambda _: None)

    assert taken_by(lambda: derive(3000)) < 64 * KIBIBYTE


QUERY = """
query {{ partners(first: 1) {{ nodes {{ id {lists} }} }} }}
fragment P on Partner {{ id name email createdAt }}
fragment G on Program {{ id name domain createdAt }}
fragment L on ReferralLink {{ id code destinationUrl program {{ ...G }} partner {{ ...P }} }}
"""
LIST = """{alias}: referralLinks(first: 1) {{
    nodes {{ {alias}: id ...L }} edges {{ cursor node {{ ...L }} }} pageInfo {{ hasNextPage }} totalCount
}}"""


async def test_many_large_queries_fill_the_cache_but_do_not_drop_what_a_dashboard_repeats(
    make_sqlite: MakeDatabase,
) -> None:
    compiler.cached_statements.clear()
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        token = await gateway.token()

        async def ask(number: int, lists: int) -> None:
            selected = "\n".join(LIST.format(alias=f"list{number}_{at}") for at in range(lists))
            answer = await gateway.graphql(QUERY.format(lists=selected), token=token)
            assert "errors" not in answer

        await ask(0, 1)
        repeated, sent = set(compiler.cached_statements), 0
        while len(compiler.cached_statements) >= sent:
            await ask(sent + 1, 20)
            await ask(0, 1)
            sent += 20
            assert compiler.cached_statements.currsize <= compiler.CACHE_BYTES
            assert repeated <= set(compiler.cached_statements)
    assert compiler.CACHE_BYTES <= 16 * KIBIBYTE**2
