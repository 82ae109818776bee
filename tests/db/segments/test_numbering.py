"""The process's lists of values are read anew when they have become longer, and only then."""

import polars as pl
import pytest

from db.segments.encoding import listed
from db.segments.numbering import forget_values, numbered, numbers_of, texts, values_of

COLUMN = "utm_term"


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    forget_values(COLUMN)


def added(*values: str | None) -> pl.Series:
    """Return a column whose values are in the process's list."""
    return listed(pl.Series(COLUMN, values, pl.String))


def test_values_that_are_added_are_found() -> None:
    first = added("value a", "value b")
    before = values_of(COLUMN)
    assert values_of(COLUMN) is before
    second = added("value b", None, "value c")
    assert set(values_of(COLUMN)) >= {"value a", "value b", "value c"}
    assert values_of(COLUMN)[: len(before)].equals(before)
    for column in (first, second):
        assert numbered(column).to_frame().select(texts(COLUMN))[COLUMN].equals(column.cast(pl.String))


def test_a_list_that_is_known_outlives_its_columns() -> None:
    column = added("value d")
    known = values_of(COLUMN)
    del column
    numbers = numbered(added("value e", "value d")).to_list()
    assert [values_of(COLUMN)[at] for at in numbers] == ["value e", "value d"]
    assert values_of(COLUMN)[: len(known)].equals(known)


def test_a_list_may_begin_anew_once_it_is_forgotten() -> None:
    column = added("value f", "value g")
    values_of(COLUMN)
    del column
    forget_values(COLUMN)
    column = added("value g")
    assert [values_of(COLUMN)[at] for at in numbered(column)] == ["value g"]
    assert numbers_of(COLUMN, ["value g"]).to_list() == numbered(column).to_list()
