"""Deletes the rows that a program has too many of."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection


async def delete_surplus(
    connection: AsyncConnection,
    key: Sequence[Any],
    order: Sequence[Any],
    most: int,
    ids: Collection[int],
) -> None:
    """Keep so many rows of each of these programs, the first ones in an order. `key` is the table's primary key, with
    the program first."""
    place = func.row_number().over(partition_by=key[0], order_by=order).label("place")
    ranked = select(*key, place).where(key[0].in_(ids)).subquery()
    surplus = select(*(ranked.c[column.key] for column in key)).where(ranked.c.place > most)
    await connection.execute(delete(key[0].class_).where(tuple_(*key).in_(surplus)))
