"""Clicks counted as sorted numbers equal Polars' own counts."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.segments import bit_columns
from db.segments.encoding import listed
from db.segments.numbering import numbered
from db.segments.packed_clicks import NotPackable, PackedClicks

KEYS = ["country", "link_id"]
clicks = st.tuples(
    st.none() | st.sampled_from(["DE", "US", "FR", "JP"]),
    st.sampled_from([0, 1, 2, 255, 70_000, 2**31]),
    st.sampled_from([1, 2, 3, 300, 2**20]),
    st.booleans(),
    st.booleans(),
)
steps = st.lists(st.lists(clicks, max_size=12), min_size=1, max_size=4)
SCHEMA = {
    "country": pl.String,
    "link_id": pl.UInt64,
    "customer_id": pl.UInt64,
    "is_bot": pl.Boolean,
    "makes_customer": pl.Boolean,
}


# The list of values lives as long as this.
COUNTRIES = listed(pl.Series("country", ["DE", "US", "FR", "JP"]))


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, SCHEMA, orient="row")


def in_numbers(clicks: pl.DataFrame) -> pl.LazyFrame:
    return clicks.lazy().with_columns(numbered(listed(clicks["country"])))


def counted(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    is_bot = pl.col("is_bot")
    sums = {"people": (~is_bot).sum(), "bots": is_bot.sum(), "customers": pl.col("makes_customer").sum()}
    sums |= {"visitors": pl.col("customer_id").n_unique()}
    wanted = [sum.cast(pl.Int64).alias(name) for name, sum in sums.items()]
    return rows.group_by(keys).agg(wanted) if keys else rows.select(wanted)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=steps,
    keys=st.sampled_from([KEYS, KEYS[:1], KEYS[1:], []]),
    rows=st.sampled_from([1, 3, 100]),
    visitors=st.booleans(),
    is_in_file=st.booleans(),
)
def test_counts_equal_those_of_polars(
    steps: list[list[tuple[object, ...]]], keys: list[str], rows: int, visitors: bool, is_in_file: bool
) -> None:
    clicks = sum(map(len, steps))
    # All may be in one part, and customers with even ids are in one of two.
    packed = PackedClicks(keys, clicks, clicks, with_visitors=visitors)
    frames = [frame(step) for step in steps]
    for each in frames:
        packed.add(packed.columns(in_numbers(each)).collect())
        if visitors and is_in_file:
            packed.spill()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bit_columns, "CHUNK_ROWS", rows)
        found = packed.counts()
    expected = counted(pl.concat([*frames, frame([])]), keys)
    if not visitors:
        expected = expected.with_columns(pl.lit(0, dtype=pl.Int64).alias("visitors"))
    assert told(found, keys) == told(expected, keys)
    if visitors:
        assert packed.visitors_without([]) == len({row[2] for step in steps for row in step})
        first, *others = found.sort("group").select("group", "visitors").rows() or [(0, 0)]
        assert packed.visitors_without(group for group, _ in others) == first[1]


def told(groups: pl.DataFrame, keys: list[str]) -> list[tuple[object, ...]]:
    texts = groups.select(pl.col(keys).cast(pl.String), "people", "bots", "customers", "visitors")
    return sorted(texts.rows(), key=repr)


async def test_what_does_not_fit_into_a_number_is_refused() -> None:
    packed = PackedClicks(KEYS, 2, with_visitors=True)
    packed.add(packed.columns(in_numbers(frame([("DE", 2**33, 1, False, True)]))).collect())
    with pytest.raises(NotPackable):
        packed.add(packed.columns(in_numbers(frame([("DE", 1, 2**40, False, True)]))).collect())
    with pytest.raises(NotPackable):
        packed.columns(frame([]).lazy())
