"""The times that REST and GraphQL are sent: what RFC 3339 allows, and nothing else."""

from datetime import UTC, datetime

import pytest
from graphql import GraphQLError

from graph.domain.times import parsed_time
from graph.schema.scalars import SCALARS


def in_graphql(text: str) -> datetime:
    """Return a `DateTime`, as GraphQL reads it."""
    read = SCALARS[datetime].parse_value
    assert read is not None
    time: datetime = read(text)
    return time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-01T12:00:00Z", "2026-05-01T12:00:00"),
        ("2026-05-01t12:00:00z", "2026-05-01T12:00:00"),
        ("2026-05-01T12:00:00+05:45", "2026-05-01T06:15:00"),
        ("2026-05-01T00:30:00-23:59", "2026-05-02T00:29:00"),
        ("2024-02-29T12:00:00.123456-00:00", "2024-02-29T12:00:00.123456"),
        ("2026-12-31T23:59:59.9999999Z", "2026-12-31T23:59:59.999999"),
        ("2026-05-01T12:00:00.123456789+02:00", "2026-05-01T10:00:00.123456"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("2016-12-31T18:59:60.5-05:00", "2017-01-01T00:00:00.500000"),
    ],
)
def test_a_time_is_read_in_utc(text: str, expected: str) -> None:
    time = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert parsed_time(text) == in_graphql(text) == time


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "2026-05-01", "2026-05-01T12:00Z", "2026-05-01T12:00:00", "2026-05-01T12:00:00Z\n"),
        *("2026-02-29T12:00:00Z", "2026-05-01T24:00:00Z", "2026-05-01T12:00:61Z", "2026-05-01T12:00:60Z"),
        *("2026-05-01T12:00:00+0530", "2026-05-01T12:00:00+05", "2026-05-01T12:00:00+24:00", "20260501T120000Z"),
        *("2026-05-01T12:00:00,5Z", "2026-05-01T12:00:00.Z", "2026-W18-5T12:00:00Z", "2026-121T12:00:00Z"),
        *("2026-05-01T12:00:00+02:00:30", "2026-05-01T12:00:00Z[Europe/Berlin]", " 2026-05-01T12:00:00Z"),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z", "1767225600"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert parsed_time(text) is None
    with pytest.raises(GraphQLError, match="must be an RFC 3339 timestamp with a UTC offset"):
        in_graphql(text)
