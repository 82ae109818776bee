"""The executable schema, built from the three roots."""

from functools import cache

from strawberry.schema.config import StrawberryConfig

from graph.execution.admission import GuardedSchema
from graph.execution.executor import LookAheadSchema
from graph.execution.limits import Limits
from graph.execution.own_changes import OwnChanges
from graph.schema.mutations import Mutation
from graph.schema.queries import QueryType
from graph.schema.scalars import SCALARS
from graph.schema.subscriptions import Subscription


@cache
def build_schema(limits: Limits | None = None) -> GuardedSchema:
    """Return the schema, which enforces the limits on every operation."""
    return LookAheadSchema(
        QueryType,
        limits=limits,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[OwnChanges],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
