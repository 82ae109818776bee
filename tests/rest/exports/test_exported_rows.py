"""An export has the rows, the values and the cursors that a client of GraphQL finds page by page, for every token and
filter.

The worlds are shared by the tests of this file, none of which changes anything.
"""

import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from graph.exports.export_lists import EXPORT_LISTS
from graph.exports.parameters import Kind, Parameter, parameters
from graph.query.global_ids import encode_id
from rest.exports.endpoint import NAMES
from tests.support.databases import KINDS, MAKERS, MakeDatabase
from tests.support.exports import GraphQLList, csv_rows, exported, flat, json_rows, text_of
from tests.support.gateways import running_gateway
from tests.support.visibility_world import TABLES, WITHHELD_FROM_PARTNERS, World, make_world

pytestmark = pytest.mark.slow

FILTERS_PER_LIST = 20
JUNK = ("", "junk", "=1", "2026-01-01", "UHJvZ3JhbTo5OTk5OQ", "\u202e☃")


@pytest.fixture(scope="module", params=KINDS)
def shared_url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    return make()


@pytest.fixture(scope="module")
async def world(shared_url: str) -> AsyncIterator[World]:
    async with running_gateway(shared_url) as gateway:
        yield await make_world(gateway)


@pytest.mark.parametrize("name", NAMES)
async def test_an_export_equals_the_list_for_every_token(world: World, name: str) -> None:
    for eye in world.viewers:
        expected = await GraphQLList(name).rows(world.gateway, str(eye.secret))
        assert expected is not None
        found = json_rows(await exported(world.gateway, eye.secret, name))
        hidden = {*expected[0]} - {*found[0]} if found else set()
        assert found == [{key: row[key] for key in row if key not in hidden} for row in expected], eye.name
        assert not any(row[key] for row in expected for key in hidden), eye.name
        assert {row["id"] for row in found} == world.visible_ids(eye, GraphQLList(name).kind), eye.name


@pytest.mark.parametrize("name", NAMES)
async def test_both_formats_have_the_same_values(world: World, name: str) -> None:
    admin = world.eyes["admin"].secret
    rows = json_rows(await exported(world.gateway, admin, name))
    lines = csv_rows(await exported(world.gateway, admin, name, "csv"))
    cursors = [line.pop("cursor") for line in lines]
    assert lines == flat(rows)
    # Those of CSV also say which currencies have columns.
    assert [cursor.partition(".")[0] for cursor in cursors] == [row["cursor"] for row in rows]


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_hidden_is_in_an_export(world: World, name: str) -> None:
    for eye in world.viewers:
        _, _, told = (await exported(world.gateway, eye.secret, name, "csv")).text.partition("\r\n")
        rows = json_rows(await exported(world.gateway, eye.secret, name))
        told += "\n".join(text_of(value) for row in rows for value in row.values())
        assert not [secret for secret in world.secrets(eye) if secret in told], eye.name


async def test_columns_that_are_hidden_from_partners_are_not_in_their_files(world: World) -> None:
    partner, program = world.eyes["partner one"], world.eyes["program here"]
    hidden = {column for _, column in WITHHELD_FROM_PARTNERS}
    for name in NAMES:
        here, there = [
            (await exported(world.gateway, eye.secret, name, "csv")).text.partition("\r\n")[0].split(",")
            for eye in (partner, program)
        ]
        withheld = {column for column in there if column in hidden and name != "clicks"}
        assert [column for column in there if column not in withheld] == [
            column for column in here if column != "email"
        ]
        assert here[-1] == there[-1] == "cursor"


async def test_a_tracking_token_reads_nothing(world: World) -> None:
    for name in NAMES:
        assert not json_rows(await exported(world.gateway, world.eyes["tracking here"].secret, name))


async def test_an_export_equals_the_list_under_random_filters(world: World) -> None:
    random = Random(1)
    refused = found = 0
    for name in NAMES * FILTERS_PER_LIST:
        eye = random.choice(world.viewers)
        given = _random_filter(world, name, random)
        expected = await GraphQLList(name).rows(world.gateway, str(eye.secret), _as_graphql(name, given))
        answer = await exported(world.gateway, eye.secret, name, **given)
        if expected is None:
            assert answer.status_code == 400, given
            refused += 1
        else:
            rows = json_rows(answer)
            assert [(row["id"], row["cursor"]) for row in rows] == [(row["id"], row["cursor"]) for row in expected]
            found += len(rows)
    assert refused > FILTERS_PER_LIST / 2
    assert found > 100


def _random_filter(world: World, name: str, random: Random) -> dict[str, str]:
    known = parameters(name)
    chosen = random.sample(sorted(known), k=min(len(known), random.choice((0, 1, 1, 1, 2, 2, 3))))
    return {spelled: _value(world, name, known[spelled], random) for spelled in chosen}


def _value(world: World, name: str, parameter: Parameter, random: Random) -> str:
    if random.random() < 0.1:
        return random.choice(JUNK)
    entity = EXPORT_LISTS[name].entity
    match parameter.kind:
        case "id":
            kind = entity.filters[parameter.filter].names
            assert kind is not None
            width = len(list(TABLES[kind].__table__.primary_key))
            return random.choice([*world.ids(kind), encode_id(kind, *[99_999] * width)])
        case "conditions":
            return json.dumps([_condition(world, random) for _ in range(random.choice((1, 1, 2)))])
        case "flag":
            return random.choice(("true", "false"))
        case "choice":
            return random.choice(list(parameter.choices))
        case "time":
            column = next(iter(entity.orders))
            return str(random.choice(world.rows[entity.name])[column].isoformat())
    texts = world.texts(parameter.filter.removesuffix("_prefix"))
    return random.choice([*texts, "nothing"])[: 6 if parameter.filter.endswith("prefix") else None]


def _condition(world: World, random: Random) -> dict[str, Any]:
    dimension, values = random.choice(
        (
            ("LINK", world.ids("ReferralLink")),
            ("PARTNER", world.ids("Partner")),
            ("COUNTRY", world.texts("country")),
            ("CITY", world.texts("city")),
            ("SUB1", world.texts("sub1")),
            ("REFERRER", world.texts("referrer_url")),
        )
    )
    listed = random.sample(sorted(values), k=min(len(values), 3))
    return {"dimension": dimension, **random.choice(({"in": listed}, {"notIn": listed}, {"isKnown": True}))}


def _as_graphql(name: str, given: dict[str, str]) -> dict[str, Any]:
    return {spelled: _typed(parameters(name)[spelled].kind, text) for spelled, text in given.items()}


def _typed(kind: Kind, text: str) -> Any:
    """Return what a parameter's text stands for in GraphQL; a text that stands for nothing is refused there, too."""
    if kind == "flag":
        return {"true": True, "false": False}.get(text, text)
    return json.loads(text) if kind == "conditions" and text not in JUNK else text
