"""Runs queries on a small schema with limits."""

from typing import Any

from tests.support.graphql_endpoints import make_schema

SCHEMA = make_schema()
# Ten thousand times what an honest query takes to be admitted.
SECONDS = 2


async def run(query: str, **variables: Any) -> tuple[Any, list[dict[str, Any]], dict[str, int]]:
    """Return an operation's data, errors and cost."""
    result = await SCHEMA.execute(query, variables)
    errors = [dict(error.formatted) for error in result.errors or ()]
    return result.data, errors, (result.extensions or {}).get("cost", {})
