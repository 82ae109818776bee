"""The attribution window."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ingest.conversions.attribution import expired
from db.ingest.conversions.records import Unattributed

CLICK_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), None),
        (timedelta(days=60), None),
        (timedelta(days=60, microseconds=1), Unattributed(60, 60)),
        (timedelta(days=75, hours=23), Unattributed(75, 60)),
    ],
)
def test_a_conversion_counts_until_the_window_has_passed(age: timedelta, expected: Unattributed | None) -> None:
    assert expired(CLICK_AT, CLICK_AT + age, 60) == expected


@pytest.mark.slow
@given(st.timedeltas(timedelta(0), timedelta(days=4000)), st.integers(1, 3650))
def test_the_reported_age_is_whole_days_and_never_below_the_window(age: timedelta, window_days: int) -> None:
    found = expired(CLICK_AT, CLICK_AT + age, window_days)
    assert (found is None) == (age <= timedelta(days=window_days))
    if found is not None:
        assert found.click_age_days == age.days >= window_days
