"""The custom scalars: 64-bit integers, and times with a UTC offset."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NewType

from graphql import GraphQLError
from strawberry import scalar
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)
LARGEST = 2**63 - 1


def _parse_integer(value: object) -> int:
    # A whole float is refused, as by REST: an amount in major units must not pass for one in minor units.
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError("BigInt must be a 64-bit integer")
    return value


def _parse_time(value: object) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        if time is not None and time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError('DateTime must be an RFC 3339 timestamp with a UTC offset, such as "2026-05-01T12:00:00Z"')


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
        description="An RFC 3339 timestamp, such as `2026-05-01T12:00:00Z`. Input values must include a UTC offset; "
        "returned values are in UTC unless the field says otherwise.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=lambda time: time if isinstance(time, str) else time.isoformat().replace("+00:00", "Z"),
        parse_value=_parse_time,
    ),
}
