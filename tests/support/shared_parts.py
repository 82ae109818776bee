"""What all gateways, committers and consumers of a run can share, and what takes most of their start.

Nothing is left out or simulated: each part is what its class makes, but made once instead of for each test.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any
from unittest.mock import patch

from sqlalchemy import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from db.engine.schema_fence import find_revision
from db.ingest.clicks.sqlite_trigger import first_click, later_click
from db.ingest.clicks.statements import ClickStatements, TestClickStatements
from db.ingest.conversions.conversion_test_recorder import TestConversionStatements
from db.ingest.conversions.statements import ConversionQueries
from db.ingest.conversions.write_statements import ConversionStatements
from db.ingest.id_blocks import take_block
from db.ingest.integrations.statements import ChainStatements
from db.outbox.backlog import _backlog_of
from db.outbox.statements import LogStatements, find_due
from db.rollups.statements import RollupStatements
from rest.tracker.minifier import minified


def once_per_dialect(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes statements once for each name of a dialect, and for each of the arguments before
    it."""
    made: dict[Any, Any] = {}

    def get(*arguments: Any) -> Any:
        *others, dialect = arguments
        assert isinstance(dialect, Dialect)
        key = (*others, dialect.name)
        if key not in made:
            made[key] = make(*arguments)
        return made[key]

    return get


class CompiledStatements(LRUCache[Any, Any]):
    """SQLAlchemy's cache of compiled statements, for all engines. What is compiled depends on an engine only by its
    dialect's class."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_without_engine(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_without_engine(key), value)


def _without_engine(key: Any) -> tuple[Any, ...]:
    dialect, *others = key
    return (type(dialect), *others)


# More than the tests use.
compiled_statements = CompiledStatements(10_000)


def create_engine_with_shared_cache(*arguments: Any, **options: Any) -> AsyncEngine:
    """Create an engine that does not compile again what another one compiled."""
    engine = create_async_engine(*arguments, **options)
    engine.sync_engine._compiled_cache = compiled_statements
    return engine


take_block_once = once_per_dialect(take_block)

SHARED = {
    "db.engine.sqlite.backend.create_async_engine": create_engine_with_shared_cache,
    "db.engine.postgresql.backend.create_async_engine": create_engine_with_shared_cache,
    "gateway.app.version": cache(version),
    "rest.tracker.script.minified": cache(minified),
    "db.ingest.clicks.recorder.ClickStatements": once_per_dialect(ClickStatements),
    "db.ingest.clicks.recorder.first_click": once_per_dialect(first_click),
    "db.ingest.clicks.recorder.later_click": once_per_dialect(later_click),
    "db.ingest.clicks.click_test_recorder.TestClickStatements": once_per_dialect(TestClickStatements),
    "db.ingest.conversions.reader.ConversionQueries": once_per_dialect(ConversionQueries),
    "db.ingest.conversions.recorder.ConversionStatements": once_per_dialect(ConversionStatements),
    "db.ingest.conversions.conversion_test_recorder.TestConversionStatements": once_per_dialect(
        TestConversionStatements
    ),
    "db.ingest.integrations.recorder.ChainStatements": once_per_dialect(ChainStatements),
    "db.ingest.id_blocks.take_block": take_block_once,
    "db.ingest.integrations.statements.take_block": take_block_once,
    "db.ingest.probe.take_block": take_block_once,
    "db.outbox.backlog._backlog_of": cache(_backlog_of),
    "db.outbox.statements.LogStatements": once_per_dialect(LogStatements),
    "db.outbox.statements.find_due": cache(find_due),
    "db.outbox.runner.find_revision": once_per_dialect(find_revision),
    "db.rollups.aggregator.RollupStatements": once_per_dialect(RollupStatements),
}
"""By where each part is looked up, what returns it."""


@contextmanager
def what_all_gateways_share() -> Iterator[None]:
    """Create the shared parts once."""
    with ExitStack() as stack:
        for target, shared in SHARED.items():
            stack.enter_context(patch(target, shared))
        yield
