"""Everybody sees what is theirs and nothing else: each field, filter and cursor, by each kind of token."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import true

from graph.reading.statements import page_statement, rows_statement
from graph.scope import RULES, Rule
from tests.faces import rest
from tests.gateways import running_gateway
from tests.matrix import Matrix
from tests.worlds import World, make_world

# These tests ask for far more at once than anybody may.
UNBOUNDED = {"graphql_tokens": "100000", "graphql_cost": "1000000000", "graphql_aliases": "1000"}
CHECKS = ("check_lists", "check_arguments", "check_filters", "check_nested_filters", "check_cursors")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running_gateway(database_url, face=rest, **UNBOUNDED) as gateway:
        yield await make_world(gateway)


@pytest.mark.parametrize("check", CHECKS)
async def test_everybody_sees_all_of_the_own_and_nothing_else(world: World, check: str) -> None:
    for eye in world.viewers:
        await getattr(Matrix(world, eye), check)()


async def test_the_check_fails_where_a_program_sees_everything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = Rule(lambda row: true(), lambda row: true())
    monkeypatch.setattr("graph.scope.RULES", dict.fromkeys(RULES, everything))
    for compiled in (page_statement, rows_statement):
        compiled.cache_clear()
    try:
        with pytest.raises(AssertionError):
            await Matrix(world, world.eyes["program here"]).check_lists()
    finally:
        for compiled in (page_statement, rows_statement):
            compiled.cache_clear()
