"""Groups that are found by a part of their values' texts.

Programs, partners and links are found by the names that are shown for them, so that nobody finds what is hidden. Hours
and days, whose values are numbers, are not searched.
"""

import polars as pl

from db.segments.names import Names, names_of
from db.segments.questions import SUBJECTS, TIMES, Breakdown


def searched(groups: pl.DataFrame, breakdown: Breakdown, names: Names) -> pl.DataFrame:
    """Return the groups with a value that contains one of the breakdown's texts; all of them if it searches for none.
    The letters A to Z are the same in either case."""
    if breakdown.search is None:
        return groups
    texts = [
        names_of(dimension, names) if dimension in SUBJECTS else pl.col(dimension)
        for dimension in breakdown.by
        if dimension not in TIMES
    ]
    # The type is named, as an empty list has none of its own.
    wanted = pl.lit([*breakdown.search], dtype=pl.List(pl.String))
    return groups.filter(
        pl.any_horizontal(text.str.contains_any(wanted, ascii_case_insensitive=True) for text in texts)
    )
