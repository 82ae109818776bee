"""The Prometheus metrics of GraphQL: operations by kind and outcome, their duration, errors, and open subscriptions.

The number of labels does not depend on what clients send: there are three kinds of operation plus `none` if the
requested operation was not found, three outcomes, and our own error codes.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Self

from graphql import GraphQLError
from prometheus_client import Counter, Gauge, Histogram
from strawberry.types.execution import ExecutionResult, PreExecutionError

from graph.execution.documents import Documents

OPERATIONS = Counter(
    "clickgate_graphql_operations", "GraphQL operations, by kind and outcome: ok, failed, refused", ["kind", "outcome"]
)
SECONDS = Histogram(
    "clickgate_graphql_seconds",
    "Time to answer a GraphQL query or mutation over HTTP",
    ["kind"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
ERRORS = Counter("clickgate_graphql_errors", "Errors in GraphQL answers, by their code", ["code"])
# Finding one by its labels takes longer than counting.
_operations, _seconds = cache(OPERATIONS.labels), cache(SECONDS.labels)
SUBSCRIPTIONS = Gauge("clickgate_graphql_subscriptions", "Open GraphQL subscriptions", multiprocess_mode="livesum")


class OperationTimer:
    """A context manager that measures an operation over HTTP, whose `result` is set once there is one."""

    __slots__ = ("_kind", "_started", "result")

    def __init__(self, kind: str) -> None:
        self.result: ExecutionResult | PreExecutionError | None = None
        self._kind = kind

    def __enter__(self) -> Self:
        self._started = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        _seconds(self._kind).observe(perf_counter() - self._started)
        _operations(self._kind, self._outcome).inc()

    @property
    def _outcome(self) -> str:
        """`refused` if nothing was executed, `failed` if there were errors, otherwise `ok`."""
        if self.result is None or isinstance(self.result, PreExecutionError):
            return "refused"
        return "failed" if self.result.errors else "ok"


@contextmanager
def measure_socket_operation(kind: str) -> Iterator[None]:
    """Measure an operation over a WebSocket, from start to end."""
    is_subscription = kind == "subscription"
    if is_subscription:
        SUBSCRIPTIONS.inc()
    outcome = "failed"
    try:
        yield
        outcome = "ok"
    except asyncio.CancelledError:  # how a client ends a subscription
        outcome = "ok"
        raise
    finally:
        if is_subscription:
            SUBSCRIPTIONS.dec()
        OPERATIONS.labels(kind, outcome).inc()


def kind_of(documents: Documents, query: str | None, operation_name: str | None) -> str:
    """Return the kind of the operation that is requested."""
    try:
        return documents.read(query or "").operation(operation_name).operation.value
    except GraphQLError:
        return "none"


def count_error(code: str) -> None:
    """Count an error in a response."""
    ERRORS.labels(code).inc()
