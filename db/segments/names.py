"""The names that are shown for programs, partners and links, whose values are ids."""

from collections.abc import Mapping

import polars as pl

Names = Mapping[str, Mapping[int, str]]
"""The names of programs, partners and links, by dimension and id, as far as they are shown."""


def names_of(dimension: str, names: Names) -> pl.Expr:
    """Return the names of a dimension's values, null where they are not shown."""
    return pl.col(dimension).replace_strict(dict(names[dimension]), default=None, return_dtype=pl.String)
