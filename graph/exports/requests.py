"""Prepares an export from the parameters of a request.

This module imports Strawberry and the query compiler, which takes a while, so clicks must not wait for it.
"""

from collections.abc import Iterable

from graph.domain.context import Context
from graph.domain.errors import FieldInvalid
from graph.exports.currency_columns import position
from graph.exports.export_lists import EXPORT_LISTS
from graph.exports.parameters import given_filters
from graph.exports.reader import Export


def requested_export(context: Context, name: str, given: Iterable[tuple[str, str]], *, is_flat: bool) -> Export:
    """Return the export of a list that a request's parameters stand for, as a flat file or not. Raises `FieldInvalid`,
    `Unauthenticated`."""
    pairs = list(given)
    cursors = [text for spelled, text in pairs if spelled == "after"]
    if len(cursors) > 1:
        raise FieldInvalid("after", "is given more than once")
    filters = given_filters(name, (pair for pair in pairs if pair[0] != "after"))
    return Export(context, EXPORT_LISTS[name], filters, *map(position, cursors), is_flat=is_flat)
