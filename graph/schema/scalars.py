"""The scalars that GraphQL lacks: integers beyond 32 bits, and moments that say which moment they are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NewType

from graphql import GraphQLError
from strawberry import scalar
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)
LARGEST = 2**63 - 1


def _parse_integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or abs(value) > LARGEST:
        raise GraphQLError("BigInt must be an integer of at most 64 bits")
    return int(value)


def _parse_moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError('DateTime must be like "2026-05-01T12:00:00Z", with an offset')


SCALARS: Mapping[object, ScalarDefinition] = {
    BigInt: scalar(
        name="BigInt",
        description="An integer of up to 64 bits, as a JSON number: `Int` ends at 2147483647.",
        serialize=int,
        parse_value=_parse_integer,
    ),
    datetime: scalar(
        name="DateTime",
        description="A moment as in RFC 3339, such as `2026-05-01T12:00:00Z`. An offset is needed where it is given, "
        "and answers are in UTC unless a field says otherwise.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=lambda moment: moment if isinstance(moment, str) else moment.isoformat().replace("+00:00", "Z"),
        parse_value=_parse_moment,
    ),
}
