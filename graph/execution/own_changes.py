"""Remembers what a caller must see from now on, after each of its mutations, over HTTP and WebSockets alike."""

from collections.abc import AsyncIterator
from contextlib import suppress

from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from graph.domain import reading
from graph.domain.errors import DatabaseAway


class OwnChanges(SchemaExtension):
    """Notes the end of a mutation before it is answered."""

    async def on_execute(self) -> AsyncIterator[None]:
        yield
        if self.execution_context.operation_type is OperationType.MUTATION:
            with suppress(DatabaseAway):  # the answer stands: what it says is committed
                await reading.changed(self.execution_context.context)
