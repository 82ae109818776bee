"""The executor: graphql-core's, but for values that are finished already.

A root field looks ahead at all that is selected under it and reads it in one go. What it returns is an answer as it
goes out; resolving each of its thousand values once more would take most of the time.
"""

from typing import Any, NamedTuple

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class Finished(NamedTuple):
    """An answer that needs no completion: made of what JSON is made of, in the client's names and order."""

    answer: Any


class LookAheadExecutor(StrawberryGraphQLCoreExecutionContext):
    """Passes finished values through."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        if type(result) is Finished:
            if result.answer is not None:
                return result.answer
            result = None
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
