"""The custom scalars: 64-bit integers, and times with a UTC offset."""

from collections.abc import Mapping
from datetime import datetime
from typing import NewType

from graphql import GraphQLError
from strawberry import scalar
from strawberry.types.scalar import ScalarDefinition

from graph.domain.times import parsed_time

BigInt = NewType("BigInt", int)
LARGEST = 2**63 - 1


def _parse_integer(value: object) -> int:
    # A whole float is refused, as by REST: an amount in major units must not pass for one in minor units.
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError("BigInt must be a 64-bit integer")
    return value


def _parse_time(value: object) -> datetime:
    time = parsed_time(value) if isinstance(value, str) else None
    if time is None:
        raise GraphQLError('DateTime must be an RFC 3339 timestamp with a UTC offset, such as "2026-05-01T12:00:00Z"')
    return time


SCALARS: Mapping[object, ScalarDefinition] = {
    BigInt: scalar(
        name="BigInt",
        description="A 64-bit signed integer, serialized as a JSON number. Used for ids and counts, which can exceed "
        "the range of `Int`.",
        serialize=int,
        parse_value=_parse_integer,
    ),
    datetime: scalar(
        name="DateTime",
        description="An RFC 3339 timestamp, such as `2026-05-01T12:00:00Z`. Input values must include seconds and a "
        "UTC offset; what is finer than a microsecond is cut off. Returned values are in UTC unless the field says "
        "otherwise.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=lambda time: time if isinstance(time, str) else time.isoformat().replace("+00:00", "Z"),
        parse_value=_parse_time,
    ),
}
