"""The schema, put together."""

from functools import cache

from strawberry.schema.config import StrawberryConfig

from graph.execution.admission import GuardedSchema
from graph.execution.executor import LookAheadSchema
from graph.execution.limits import Limits
from graph.schema.mutations import Mutation
from graph.schema.queries import QueryType
from graph.schema.scalars import SCALARS
from graph.schema.subscriptions import Subscription


@cache
def build_schema(limits: Limits | None = None) -> GuardedSchema:
    """Return the schema, whose operations are bounded by the limits."""
    return LookAheadSchema(
        QueryType,
        limits=limits,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
