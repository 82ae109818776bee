"""Each viewer sees what is in its scope and nothing else, through every field, filter and cursor."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

import pytest
from sqlalchemy import true

from graph.domain.scope import Audience, Condition, visible
from graph.schema.build import build_schema
from tests.support.click_apis import rest
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.visibility_matrix import Matrix
from tests.support.visibility_world import World, make_world

pytestmark = pytest.mark.slow

# These tests ask for far more at once than anybody may.
UNBOUNDED = {"graphql_tokens": "100000", "graphql_cost": "1000000000", "graphql_aliases": "1000"}
# Whose data overlaps most with others'.
NEIGHBOUR = "partner of both"
CHECKS = (
    *("check_lists", "check_arguments", "check_filters", "check_nested_filters", "check_conditions", "check_cursors"),
    "check_live",
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running_gateway(database_url, click_api=rest, **UNBOUNDED) as gateway:
        yield await make_world(gateway)


@pytest.mark.parametrize("check", CHECKS)
async def test_each_viewer_sees_everything_in_scope_and_nothing_else(world: World, check: str) -> None:
    for eye in world.viewers:
        await getattr(Matrix(world, eye), check)()


async def test_lists_nested_in_nested_lists_show_nothing_else_either(world: World) -> None:
    await Matrix(world, world.eyes[NEIGHBOUR]).check_lists(depth=2)


# Who asks `visible` of each thing that can be read, and the check that finds out where the answer is ignored.
CONTROLS = {
    "lists": ("graph.query.list_conditions.ListConditions.limited", "check_lists"),
    "counts": ("graph.query.compiler._total", "check_lists"),
    "cursors": ("graph.query.list_conditions.ListConditions.limited", "check_cursors"),
    "filters": ("graph.query.list_conditions.ListConditions._is_seen", "check_filters"),
    "filters of nested lists": ("graph.query.list_conditions.ListConditions._is_seen", "check_nested_filters"),
    "references": ("graph.query.select_builder.SelectBuilder._joined", "check_lists"),
    "look-ups": ("graph.query.compiler.rows_statement", "check_arguments"),
    "reports": ("graph.reports.filters.ClickSelection", "check_lists"),
    "subscriptions": ("graph.query.compiler.rows_statement", "check_live"),
}


async def test_every_scope_check_fails_if_its_condition_is_missing(
    make_sqlite: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_gateway(make_sqlite(), click_api=rest, **UNBOUNDED) as gateway:
        world = await make_world(gateway)
        eyes = [world.eyes[name] for name in ("program here", "partner of both")]
        for what, (function, check) in CONTROLS.items():
            with monkeypatch.context() as patched, forgetful():
                ignored = Ignoring(function)
                for module in graph_modules():
                    if vars(module).get("visible") is visible:
                        patched.setattr(module, "visible", ignored)
                for eye in eyes:
                    if await fails(getattr(Matrix(world, eye), check)):
                        break
                else:
                    raise AssertionError(f"nobody would notice {what} that are not confined")
                assert ignored.count, f"{function} confines {what} no more"


async def fails(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check()
    except AssertionError:
        return True
    return False


class Ignoring:
    """Takes the place of `visible`; whatever a function asks of it, itself or through others, is in scope."""

    def __init__(self, function: str) -> None:
        self._function = function
        self.count = 0

    def __call__(self, row: Any, audience: Audience) -> Condition:
        if not any(name.startswith(self._function) for name in callers(sys._getframe())):
            return visible(row, audience)
        self.count += 1
        return true()


def callers(frame: FrameType | None) -> Iterator[str]:
    """Yield the names of the functions that are being run."""
    while frame is not None:
        yield f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}"
        frame = frame.f_back


def graph_modules() -> list[ModuleType]:
    return [module for name, module in sys.modules.items() if name.startswith("graph.")]


@contextmanager
def forgetful() -> Iterator[None]:
    """Forget before and after which statements were compiled."""
    caches = [value for module in graph_modules() for value in vars(module).values() if hasattr(value, "cache_clear")]
    compiled = [cache for cache in caches if cache is not build_schema]
    for cache in compiled:
        cache.cache_clear()
    try:
        yield
    finally:
        for cache in compiled:
            cache.cache_clear()
