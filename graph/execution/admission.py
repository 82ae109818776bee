"""Admits operations before they are executed, over HTTP and WebSockets alike, and prepares their errors afterwards.

Strawberry calls the hooks of `Admission` for each operation that it executes, and `process_errors` once for each list
of errors, whether from an operation, from an event of a subscription, or from one that was never executed.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import strawberry
from graphql import DocumentNode, GraphQLError, NameNode, OperationDefinitionNode, SelectionSetNode
from graphql import OperationType as CoreOperationType
from graphql.execution import get_variable_values
from graphql.execution.values import VariableValues
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from graph.domain.context import Context
from graph.domain.errors import TooComplex
from graph.execution.cost import Cost
from graph.execution.documents import MOST_ERRORS, DerivedValues, Document, Documents
from graph.execution.error_presentation import presented
from graph.execution.introspection import name_known_locations
from graph.execution.limits import Limits
from graph.execution.requests import GraphQLRequest
from graph.execution.turns import Turns
from graph.execution.variables import wrong_values

# Without fragments there are fewer selections than tokens, but an object counts as several selections.
KEPT_SELECTIONS_PER_TOKEN = 4


class Admitted(NamedTuple):
    """An operation that was checked. If it has `errors`, it must not be executed."""

    document: Document
    errors: Sequence[GraphQLError] = ()
    operation: OperationDefinitionNode | None = None
    variables: VariableValues = VariableValues({}, {})
    cost: Cost | None = None

    @property
    def derived(self) -> DerivedValues | None:
        """The cache for what is derived from the operation. None if its fragments make it so much larger than the
        document that caching it would take more memory than the document."""
        is_small = self.cost is not None and self.cost.selections <= KEPT_SELECTIONS_PER_TOKEN * self.document.tokens
        return self.document.derived if is_small else None


class GuardedSchema(strawberry.Schema):
    """A schema that enforces limits on operations and prepares errors for clients. Other options are those of
    Strawberry's schema."""

    def __init__(self, query: type, *, limits: Limits | None = None, **options: Any) -> None:
        extensions = [*options.pop("extensions", ()), lambda: Admission(self)]
        super().__init__(query, extensions=extensions, **options)
        name_known_locations(self._schema)
        self.documents = Documents(self._schema, limits or Limits())
        self._turns = Turns()
        self._anonymous_turns = Turns()

    def turns(self, context: Context) -> Turns:
        """Return the queue that a caller waits in. Callers with a token do not wait behind anonymous ones."""
        return self._anonymous_turns if context.viewer is None else self._turns

    def admit(self, query: str, operation_name: str | None, variables: Mapping[str, Any] | None) -> Admitted:
        """Read a document, choose its operation, coerce the variables, and compute the cost."""
        document = self.documents.read(query)
        if document.errors or document.plan is None:
            return Admitted(document, document.errors)
        try:
            # Strawberry itself would take the first of several operations if none is named.
            operation = document.operation(operation_name)
            values = self._coerced(operation, variables)
        except GraphQLError as error:
            return Admitted(document, [error])
        if isinstance(values, list):
            return Admitted(document, values)
        limits, cost = self.documents.limits, None
        try:
            cost = document.plan.cost(operation, values.coerced, limits.selections)
            limits.check(cost)
        except TooComplex as refusal:
            return Admitted(document, [GraphQLError(str(refusal), operation, original_error=refusal)], cost=cost)
        except GraphQLError as error:
            return Admitted(document, [error])
        return Admitted(document, (), operation, values, cost)

    async def execute_request(
        self, request: GraphQLRequest, context: Context, allowed: Sequence[OperationType]
    ) -> ExecutionResult:
        """Execute an operation of an allowed type. Raises what Strawberry raises if there is none."""
        return await self.execute(
            request.query,
            request.variables,
            context,
            operation_name=request.operation_name,
            allowed_operation_types=allowed,
        )

    def costs(self, admitted: Admitted) -> dict[str, Any]:
        """Return the `extensions` of a response, with the cost if it is known."""
        if admitted.cost is None:
            return {}
        return {"cost": {"requested": admitted.cost.once, "maximum": self.documents.limits.cost}}

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        errors[:] = [presented(error) for error in errors]

    def _coerced(
        self, operation: OperationDefinitionNode, given: Mapping[str, Any] | None
    ) -> VariableValues | list[GraphQLError]:
        """Return the coerced variables, or the errors in them."""
        definitions = operation.variable_definitions
        if not definitions:
            return VariableValues({}, {})
        given = dict(given or {})
        values = get_variable_values(self._schema, definitions, given, max_errors=MOST_ERRORS - 1)
        if isinstance(values, list):
            # The library's messages show values in Python notation. For anything that `wrong_values` does not find,
            # they are fine.
            return list(islice(wrong_values(self._schema, definitions, given), MOST_ERRORS)) or values
        return values


class Admission(SchemaExtension):
    """Admits an operation that Strawberry executes."""

    def __init__(self, schema: GuardedSchema) -> None:
        self._schema = schema
        self._admitted: Admitted | None = None

    def on_parse(self) -> Iterator[None]:
        asked = self.execution_context
        if asked.query:
            name = asked._provided_operation_name
            self._admitted = self._schema.admit(asked.query, name, asked.variables)
            # Without a document, Strawberry would parse the text itself and report its own errors.
            asked.graphql_document = self._admitted.document.ast or _stand_in(name)
        yield

    def on_validate(self) -> Iterator[None]:
        if self._admitted is not None:
            # Strawberry would validate if this were None.
            self.execution_context.pre_execution_errors = list(self._admitted.errors)
        yield

    def get_results(self) -> dict[str, Any]:
        return {} if self._admitted is None else self._schema.costs(self._admitted)


def _stand_in(operation_name: str | None) -> DocumentNode:
    """Return a document in place of one that could not be parsed and is not executed."""
    name = NameNode(value=operation_name) if operation_name else None
    return DocumentNode(
        definitions=(
            OperationDefinitionNode(
                operation=CoreOperationType.QUERY,
                name=name,
                selection_set=SelectionSetNode(selections=()),
            ),
        )
    )
