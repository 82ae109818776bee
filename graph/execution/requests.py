"""One GraphQL request, whichever transport it came over.

HTTP and WebSockets decode what they receive into a `GraphQLRequest`, so that execution knows neither of them.
"""

from typing import Any, NamedTuple

from graph.domain.errors import InvalidRequest


class PersistedQueryNotSupported(InvalidRequest):
    """The request carries only the hash of a query. Apollo's clients, and those compatible with them, recognize this
    message and code and send the query itself instead."""

    message = "PersistedQueryNotSupported"


class GraphQLRequest(NamedTuple):
    """A document, its variables, and the name of the operation to execute."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
