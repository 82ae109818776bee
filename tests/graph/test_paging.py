"""Paging, of every list that the schema has: each row comes once, in order, from either end; and what is no position in
a list is told so.

The gateways are shared by the tests of this file, none of which changes anything.
"""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest

from graph.query.entities import ENTITIES
from graph.query.global_ids import encode_id
from tests.support.bulk_data import make_crowd
from tests.support.databases import KINDS, MAKERS, MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.schema_documents import literal, orders_of, root_fields
from tests.support.schema_lists import LISTS, Lists, Pages, few_and_other_lists
from tests.support.visibility_world import all_rows

ROWS, PAGE = 9, 3
# More than the crowd has of anything, and no more than a page may have.
WHOLE = 100


@pytest.fixture(scope="module", params=KINDS)
def shared_url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    return make()


@pytest.fixture(scope="module")
async def pages(shared_url: str) -> AsyncIterator[Pages]:
    async with running_gateway(shared_url) as gateway:
        token = await gateway.token()
        await make_crowd(gateway.store, ROWS)
        rows = await all_rows(gateway)
        await all_followed(gateway, token, len(rows["ClickEvent"]))
        yield Pages(gateway, token, rows)


async def all_followed(gateway: Gateway, token: str, clicks: int) -> None:
    """Wait until lists that clicks are followed by show them all: a gateway lets them have those of others, such as the
    crowd's, within half a second."""
    async with asyncio.timeout(10):
        for field in ("OCCURRED_AT", "ID"):
            order = f"{{field: {field}, direction: ASC}}"
            oldest_first = f"{{ clickEvents(first: {WHOLE}, orderBy: {order}) {{ nodes {{ id }} }} }}"
            while len((await gateway.graphql(oldest_first, token=token))["data"]["clickEvents"]["nodes"]) < clicks:
                await asyncio.sleep(0.05)


def ids_of(page: dict[str, Any]) -> list[str]:
    return [node["id"] for node in page["nodes"]]


async def forwards(pages: Pages, document: str) -> list[str]:
    """Walk a list from its start; return the ids as they came."""
    found: list[str] = []
    after = None
    while True:
        page = await pages.page(document, first=PAGE, after=after)
        info = page["pageInfo"]
        found += ids_of(page)
        assert info["hasPreviousPage"] is (after is not None)
        assert info["hasNextPage"] is (len(found) < page["totalCount"])
        if not info["hasNextPage"]:
            return found
        assert len(page["nodes"]) == PAGE
        after = info["endCursor"]


async def backwards(pages: Pages, document: str) -> list[str]:
    """Walk a list from its end; return the ids in the order of the list."""
    found: list[str] = []
    before = None
    while True:
        page = await pages.page(document, last=PAGE, before=before)
        info = page["pageInfo"]
        found = ids_of(page) + found
        assert info["hasNextPage"] is (before is not None)
        assert info["hasPreviousPage"] is (len(found) < page["totalCount"])
        if not info["hasPreviousPage"]:
            return found
        assert len(page["nodes"]) == PAGE
        before = info["startCursor"]


@pytest.mark.slow
@few_and_other_lists
async def test_every_row_of_every_list_comes_once_and_in_order_from_either_end(pages: Pages, lists: Lists) -> None:
    for each in lists:
        for order in orders_of(each.field):
            document = each.document(orderBy=order)
            whole = await pages.page(document, first=WHOLE)
            ids = ids_of(whole)
            assert ROWS <= len(ids) == len(set(ids)) == whole["totalCount"], (str(each), order)
            expected = pages.sorted_ids(each.kind, order)
            assert ids == [id for id in expected if id in set(ids)], (str(each), order)
            assert each.parent is not None or ids == expected, (str(each), order)
            assert await forwards(pages, document) == ids, (str(each), order)
            assert await backwards(pages, document) == ids, (str(each), order)


@few_and_other_lists
async def test_a_list_is_sorted_newest_first_by_default(pages: Pages, lists: Lists) -> None:
    for each in lists:
        latest = next(order for order in orders_of(each.field) if order.endswith("DESC}"))
        default, named = [await pages.page(each.document(**given), first=WHOLE) for given in ({}, {"orderBy": latest})]
        assert default == named, str(each)


@few_and_other_lists
async def test_a_page_between_two_cursors_has_what_is_between_them(pages: Pages, lists: Lists) -> None:
    for each in lists:
        whole = await pages.page(each.document(), first=WHOLE)
        ids, cursors = ids_of(whole), [edge["cursor"] for edge in whole["edges"]]
        bounds = {"after": cursors[1], "before": cursors[6]}
        first = await pages.page(each.document(), first=2, **bounds)
        last = await pages.page(each.document(), last=2, **bounds)
        assert (ids_of(first), ids_of(last)) == (ids[2:4], ids[4:6]), str(each)
        assert first["pageInfo"]["hasNextPage"], str(each)
        assert last["pageInfo"]["hasPreviousPage"], str(each)
        assert ids_of(await pages.page(each.document(), first=WHOLE, **bounds)) == ids[2:6], str(each)


@few_and_other_lists
async def test_the_cursors_of_an_empty_page_are_those_of_the_request(pages: Pages, lists: Lists) -> None:
    for each in lists:
        whole = await pages.page(each.document(), first=WHOLE)
        for given in ({"first": 0}, {"last": 0}, {"after": whole["pageInfo"]["endCursor"]}):
            page = await pages.page(each.document(), **given)
            assert page["nodes"] == page["edges"] == [], str(each)
            assert page["totalCount"] == whole["totalCount"], str(each)
        assert page["pageInfo"]["hasNextPage"] is False, str(each)


@pytest.mark.slow
async def test_a_cursor_of_another_list_order_or_filter_is_refused(pages: Pages) -> None:
    cursors = {
        (each.kind, order): (await pages.page(each.document(orderBy=order), first=1))["pageInfo"]["endCursor"]
        for each in LISTS
        for order in orders_of(each.field)
    }
    for each in LISTS:
        for order in orders_of(each.field):
            foreign = [cursor for (kind, other), cursor in cursors.items() if (kind, other) != (each.kind, order)]
            for bound in ("after", "before"):
                asked = [each.document("{ nodes { id } }", orderBy=order)] * 2
                for document, cursor in zip(asked, (foreign[0], foreign[-1]), strict=True):
                    assert await pages.refusals(document, **{bound: cursor}) == {"BAD_USER_INPUT"}, (str(each), order)
        name, part = next(iter(each.filter_parts.items()))
        narrowed = each.document(filter=f"{{{name}: {literal(part.type, _named(name))}}}")
        own = cursors[each.kind, next(order for order in orders_of(each.field) if order.endswith("DESC}"))]
        assert await pages.refusals(each.document(), after=own) == set(), str(each)
        assert await pages.refusals(narrowed, after=own) == {"BAD_USER_INPUT"}, str(each)


def _named(part: str) -> str:
    """Return what a filter's part takes: an id of the kind that it names, if it names one."""
    kind = part[:1].upper() + part[1:].removesuffix("Id")
    return encode_id(kind, *[1] * len(ENTITIES[kind].key)) if kind in ENTITIES else "Name"


def opaque(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


GARBAGE = (
    *("", " ", "x", "=", "====", "%00", "\0", "\ud800", "\N{SNOWMAN}", "x" * 5000),
    *map(opaque, ("", "null", "[]", "{}", "7", '"x"', "[[]]", "[1e999]", "[" * 900, '["\\ud800"]', "[null, 1, 1]")),
)


@few_and_other_lists
async def test_a_malformed_cursor_is_refused(pages: Pages, lists: Lists) -> None:
    for each in lists:
        for bound in ("after", "before"):
            for text in GARBAGE:
                refused = await pages.refusals(each.document("{ nodes { id } }"), **{bound: text})
                assert refused == {"BAD_USER_INPUT"}, (str(each), bound, text)


FORGED: tuple[Any, ...] = (0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**400, 1.5, "", "z", "\0", None, True, [])


@few_and_other_lists
async def test_a_forged_cursor_is_a_position_or_refused(pages: Pages, lists: Lists) -> None:
    for each in (each for each in lists if each.parent is None):
        for order in (order for order in orders_of(each.field) if order.endswith("DESC}")):
            document = each.document("{ nodes { id } pageInfo { endCursor } }", orderBy=order)
            cursor = (await pages.answer(document, first=1))["data"][each.name]["pageInfo"]["endCursor"]
            mark, *values = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            for place, forged in product(range(len(values)), FORGED):
                text = opaque(json.dumps([mark, *values[:place], forged, *values[place + 1 :]]))
                refused = await pages.refusals(document, first=1, after=text)
                assert refused <= {"BAD_USER_INPUT"}, (str(each), order, place, forged)


NO_IDS = (
    "",
    "x",
    "\0",
    "\ud800",
    "=" * 101,
    opaque("Program:"),
    opaque("Program:1:1:1"),
    opaque("Program:" + "9" * 19),
)


@pytest.mark.slow
@few_and_other_lists
async def test_a_malformed_id_is_refused_in_every_filter(pages: Pages, lists: Lists) -> None:
    await _refuses_malformed_ids(pages, [each.in_filter(part) for each in lists for part in each.filters("ID")])


async def test_a_malformed_id_is_refused_by_every_root_field(pages: Pages) -> None:
    names = [name for name, field in root_fields().items() if "id" in field.args]
    await _refuses_malformed_ids(pages, [f"{name}(id: $value) {{ id }}" for name in names])


async def _refuses_malformed_ids(pages: Pages, asked: list[str]) -> None:
    for part, text in product(asked, NO_IDS):
        refused = await pages.refusals(f"query ($value: ID!) {{ {part} }}", value=text)
        assert refused == {"BAD_USER_INPUT"}, (part, text)


@pytest.mark.slow
@few_and_other_lists
async def test_nul_characters_are_refused_in_every_filter(pages: Pages, lists: Lists) -> None:
    for each in lists:
        for part, text in product(each.filters("String"), ("\0", "before\0after", "\ud800", "\udfff\ud800")):
            document = f"query ($value: String) {{ {each.in_filter(part)} }}"
            assert await pages.refusals(document, value=text) == {"BAD_USER_INPUT"}, (str(each), part, text)


NO_SIZES = (-1, 101, 2**31 - 1, -(2**31), 2**31, 2**63, 10**400, 1.5, "3", True, [3])


@few_and_other_lists
async def test_an_invalid_page_size_is_refused(pages: Pages, lists: Lists) -> None:
    sizes = [{name: number} for name in ("first", "last") for number in NO_SIZES]
    sizes += [{"first": first, "last": last} for first in (0, 3) for last in (0, 3)]
    for each, size in product(lists, sizes):
        (refused,) = await pages.refusals(each.document("{ nodes { id } }"), **size)
        # A size costs its rows: a large one is over that limit before anybody asks whether a page has so many.
        assert refused in {"BAD_USER_INPUT", "TOO_COMPLEX"}, (str(each), size)
