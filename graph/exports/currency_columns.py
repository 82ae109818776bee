"""Sums in several currencies as columns of a flat file: one for each currency, such as `revenue_eur`.

Which currencies have columns is decided when an export begins. Each cursor says which these are, so that an export that
continues after one has the same columns, whatever was recorded meanwhile.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from sqlalchemy import or_, select

from db.schema.commissions import ConversionSum
from db.sql.compiled_queries import CompiledQuery
from graph.domain.context import Context
from graph.domain.errors import FieldInvalid, outages
from graph.domain.money import Money
from graph.domain.permissions import viewer_of
from graph.domain.scope import Audience, visible

# Base64url has neither.
MARK, SEPARATOR = ".", "-"
# More than there are. Whoever makes up others gets no file of thousands of columns.
MOST_CURRENCIES = 250
CURRENCIES = re.compile(rf"(?:[A-Z]{{3}}(?:{SEPARATOR}[A-Z]{{3}})*)?", re.ASCII)


class Position(NamedTuple):
    """The row that an export continues after: its cursor, and the currencies with columns, None if it does not say."""

    cursor: str
    currencies: Sequence[str] | None


def position(text: str) -> Position:
    """Return the position that a text in the last column stands for. Raises `FieldInvalid`."""
    cursor, mark, spelled = text.partition(MARK)
    if not mark:
        return Position(cursor, None)
    found = spelled.split(SEPARATOR) if spelled else []
    if not CURRENCIES.fullmatch(spelled) or found != sorted(set(found)) or len(found) > MOST_CURRENCIES:
        raise FieldInvalid("after", "is not a valid cursor")
    return Position(cursor, found)


def marked(cursors: Sequence[str], currencies: Sequence[str]) -> Sequence[str]:
    """Return cursors that also say which currencies have columns."""
    mark = MARK + SEPARATOR.join(currencies)
    return [cursor + mark for cursor in cursors]


async def currencies_in_use(context: Context, sums: Sequence[str]) -> Sequence[str]:
    """Return the currencies of what the viewer can see of these sums, in alphabetical order. Raises `DatabaseAway`."""
    viewer = viewer_of(context)
    with outages():
        rows = await context.services.store.fetch(_query(tuple(sums), viewer.audience), viewer.values)
    return [currency for (currency,) in rows]


def split(rows: Sequence[Sequence[Money]], currencies: Sequence[str]) -> list[Sequence[Decimal | None]]:
    """Return the amounts of each row, in major units, as a column for each currency."""
    found = [{amount.currency: Decimal(amount.decimal) for amount in amounts} for amounts in rows]
    return [[amounts.get(currency) for amounts in found] for currency in currencies]


@cache
def _query(sums: tuple[str, ...], audience: Audience) -> CompiledQuery:
    """Return the query of the currencies. What customers paid is in the sums of links, too, which are far fewer."""
    is_known = or_(*(getattr(ConversionSum, name).is_not(None) for name in sums))
    found = select(ConversionSum.currency).where(is_known, visible(ConversionSum, audience))
    return CompiledQuery(found.distinct().order_by(ConversionSum.currency))
