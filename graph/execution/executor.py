"""Executes queries with look-ahead: each root field reads everything selected under it at once.

A root field returns completed JSON values; completing each of a thousand values again would take most of the time.
Queries are therefore resolved here, bypassing the library's executor. Mutations, subscriptions and introspection go
through the library, which passes completed values through.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    OperationType,
    is_non_null_type,
    located_error,
)
from graphql.execution.values import VariableValues
from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import get_object_definition
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType as StrawberryOperationType

from graph.domain.context import Context
from graph.execution.admission import Admitted, GuardedSchema
from graph.execution.requests import GraphQLRequest
from graph.execution.selections import LookAhead, SelectedField

# Each root field may take a connection from the pool, which other requests need too.
FIELDS_AT_ONCE = 4


class CompletedValue(NamedTuple):
    """A value that needs no completion: plain JSON values, under the client's response keys and in its order. `errors`
    explain why parts of it are null."""

    value: Any
    errors: Sequence[GraphQLError] = ()


# Resolves a root field, given its selection including its arguments.
Resolver: TypeAlias = Callable[[Context, SelectedField], Awaitable[CompletedValue]]


class ResolvesWith(FieldExtension):
    """A field extension that holds the resolver of a root field."""

    def __init__(self, read: Resolver) -> None:
        self.read = read

    async def resolve_async(self, next_: Any, source: Any, info: Info, **arguments: Any) -> Any:
        finished = await self.read(info.context, selected_field(info))
        for error in finished.errors:
            raise error  # the library cannot return a value together with errors
        return finished


def selected_field(info: Info) -> SelectedField:
    """Return the selection of the field that is being resolved."""
    # Strawberry's own selections have neither types nor all arguments.
    raw = info._raw_info
    variables = VariableValues({}, raw.variable_values)  # type: ignore[arg-type]  # the values alone, whatever it says
    look_ahead = LookAhead(raw.schema, raw.fragments, variables)
    return SelectedField(look_ahead, str(raw.path.key), raw.field_nodes, raw.parent_type)


class LookAheadExecutor(StrawberryGraphQLCoreExecutionContext):
    """The library's executor, except that it passes completed values through."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        if type(result) is CompletedValue:
            if result.value is not None:
                return result.value
            result = None
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)


class LookAheadSchema(GuardedSchema):
    """A schema that executes queries itself, except those with introspection."""

    def __init__(self, query: type, **options: Any) -> None:
        super().__init__(query, execution_context_class=LookAheadExecutor, **options)
        self._query = cast(GraphQLObjectType, self._schema.query_type)
        self._reads = {
            field.python_name: extension
            for field in get_object_definition(query, strict=True).fields
            for extension in field.extensions
            if isinstance(extension, ResolvesWith)
        }

    async def execute_request(
        self, request: GraphQLRequest, context: Context, allowed: Sequence[StrawberryOperationType]
    ) -> ExecutionResult:
        admitted = self.admit(request.query, request.operation_name, request.variables)
        operation = admitted.operation
        if operation is not None and operation.operation is OperationType.QUERY:
            document = admitted.document
            look_ahead = LookAhead(
                self._schema, document.fragments, admitted.variables, operation=operation, derived=admitted.derived
            )
            root = look_ahead.selected(self._query, [operation])
            if all(each.is_typename or each.nodes[0].name.value in self._query.fields for each in root):
                return await self._answered(admitted, root, context)
        return await super().execute_request(request, context, allowed)

    async def _answered(self, admitted: Admitted, root: Sequence[SelectedField], context: Context) -> ExecutionResult:
        found = [await self._field(root[0], context)] if len(root) == 1 else await self._fields(root, context)
        errors: list[GraphQLError] = []
        data: dict[str, Any] | None = {}
        for selection, finished in zip(root, found, strict=True):
            errors += finished.errors
            if finished.value is None and finished.errors and is_non_null_type(selection.declared.type):
                data = None
            elif data is not None:
                data[selection.response_key] = finished.value
        self.process_errors(errors)
        return ExecutionResult(data, errors or None, self.costs(admitted))

    async def _fields(self, root: Sequence[SelectedField], context: Context) -> Sequence[CompletedValue]:
        """Return the values of several root fields."""
        turns = asyncio.Semaphore(FIELDS_AT_ONCE)

        async def in_turn(selection: SelectedField) -> CompletedValue:
            async with turns:
                return await self._field(selection, context)

        return await asyncio.gather(*map(in_turn, root))

    async def _field(self, selection: SelectedField, context: Context) -> CompletedValue:
        """Return the value of a root field, or null with its error."""
        if selection.is_typename:
            return CompletedValue(selection.parent_type_name)
        try:
            return await self._reads[selection.name].read(context, selection)
        except Exception as error:
            return CompletedValue(None, [located_error(error, selection.nodes, [selection.response_key])])
