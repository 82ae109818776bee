"""What every operation passes, over HTTP and over a socket, before it is executed, and what its errors pass after.

Strawberry calls the hooks of `Admission` for each operation, and `process_errors` once for each list of errors,
whatever they come from: an operation, a frame of a subscription, or one that was never executed.
"""

from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from graphql.execution import get_variable_values
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext

from graph.errors import TooComplex
from graph.wire.documents import MOST_ERRORS, Document, Documents
from graph.wire.faults import shown
from graph.wire.limits import Limits


class GuardedSchema(strawberry.Schema):
    """A schema whose operations are bounded by limits, and whose errors are fit for clients. Takes what Strawberry's
    own takes besides."""

    def __init__(self, query: type, *, limits: Limits | None = None, **options: Any) -> None:
        extensions = [*options.pop("extensions", ()), self._admission]
        super().__init__(query, extensions=extensions, **options)
        self.documents = Documents(self._schema, limits or Limits())

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        errors[:] = [shown(error) for error in errors]

    def _admission(self) -> SchemaExtension:
        return Admission(self.documents)


class Admission(SchemaExtension):
    """One operation's admission: its document is read, its variables are coerced, and its cost is worked out."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._document: Document | None = None
        self._cost: int | None = None

    def on_parse(self) -> Iterator[None]:
        asked = self.execution_context
        if asked.query:
            self._document = self._documents.read(asked.query)
            asked.graphql_document = self._document.ast
            # Without a document Strawberry parses the text itself, and finds the same error.
            asked.parse_options = {"max_tokens": self._documents.limits.tokens}
        yield

    def on_validate(self) -> Iterator[None]:
        if self._document is not None:
            # Strawberry validates where this is None.
            self.execution_context.pre_execution_errors = self._refusals(self._document)
        yield

    def get_results(self) -> dict[str, Any]:
        if self._cost is None:
            return {}
        return {"cost": {"requested": self._cost, "maximum": self._documents.limits.cost}}

    def _refusals(self, document: Document) -> list[GraphQLError]:
        if document.errors or document.plan is None:
            return list(document.errors)
        try:
            # Strawberry itself takes the first of several operations when none is named.
            operation = document.operation(self.execution_context._provided_operation_name)
            values = self._coerced(operation)
        except GraphQLError as error:
            return [error]
        if isinstance(values, list):
            return values
        self._cost, maximum = document.plan.cost(operation, values), self._documents.limits.cost
        if self._cost <= maximum:
            return []
        refusal = TooComplex("cost", self._cost, maximum)
        return [GraphQLError(str(refusal), operation, original_error=refusal)]

    def _coerced(self, operation: OperationDefinitionNode) -> dict[str, Any] | list[GraphQLError]:
        """Return the variables' values, or why they cannot be read."""
        definitions = operation.variable_definitions
        if not definitions:
            return {}
        given = self.execution_context.variables or {}
        values = get_variable_values(self._documents.schema, definitions, given, max_errors=MOST_ERRORS - 1)
        return values if isinstance(values, list) else values.coerced
