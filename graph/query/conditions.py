"""The SQL conditions of filters and lookups.

Kept apart from `graph.query.entities`, which only says which entity has which of them.
"""

import re
from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from db.sql.functions import among
from graph.query.entity import Filter, Lookup, MappedRow, Parameters

# What stands for other characters in a `LIKE` pattern. The backslash would be PostgreSQL's own choice.
ESCAPE = "!"
SPECIAL = re.compile("[!%_]")
BY_IDS = Lookup(lambda row, values: among(row.id, values["ids"]), ("ids",), lists="ids")


def equals(column: str, names: str | None = None, *, spell: Callable[[str], str] | None = None) -> Filter:
    """Return a filter on a column's exact value; `names` and `spell` as in `Filter`."""
    return Filter(lambda row, value: getattr(row, column) == value, names, spell)


def since(column: str) -> Filter:
    """Return a filter on a time column, from the given time on."""
    return Filter(lambda row, value: getattr(row, column) >= value)


def until(column: str) -> Filter:
    """Return a filter on a time column, up to but excluding the given time."""
    return Filter(lambda row, value: getattr(row, column) < value)


def starts_with(column: str) -> Filter:
    """Return a filter on the prefix of a text column; case-sensitive."""
    # A range can use the column's index; U+10FFFF is the largest character.
    return Filter(
        lambda row, value: and_(getattr(row, column) >= value, getattr(row, column) < value + literal("\U0010ffff"))
    )


def contains(*texts: Callable[[MappedRow], ColumnElement[Any]]) -> Filter:
    """Return a filter on a text that any of a row's texts contains, ignoring the case of the letters A to Z. It reads
    every row in scope, so it is for tables that people fill, not visitors."""
    return Filter(
        lambda row, value: or_(*(func.lower(text(row)).like(value, escape=ESCAPE) for text in texts)), spell=_pattern
    )


def _pattern(text: str) -> str:
    """Return the `LIKE` pattern of all texts that contain the given one."""
    # Both databases lower these letters only.
    lowered = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    return f"%{SPECIAL.sub(lambda found: ESCAPE + found[0], lowered)}%"


def by_key(*columns: str) -> Lookup:
    """Return a lookup by the primary key, whose values are `key0`, `key1` and so on."""
    names = tuple(f"key{number}" for number in range(len(columns)))
    return Lookup(
        lambda row, values: and_(
            *(getattr(row, column) == values[name] for column, name in zip(columns, names, strict=True))
        ),
        names,
        is_unique=True,
    )


def has_membership(row: MappedRow, value: Any) -> ColumnElement[bool]:
    """Return whether a partner is in a program."""
    return exists().where(PartnerProgram.partner_id == row.id, PartnerProgram.program_id == value)


def is_usable(row: MappedRow, value: Any) -> ColumnElement[bool]:
    """Return whether a token is usable, that is neither revoked nor expired, compared with `value`."""
    usable = and_(row.revoked_at.is_(None), or_(row.expires_at.is_(None), row.expires_at > func.current_timestamp()))
    return cast(ColumnElement[bool], usable == value)


def has_click_id(row: MappedRow, values: Parameters) -> ColumnElement[bool]:
    """Return whether a customer has a `click_id`, given with the customer id that it contains."""
    # The primary key finds the row by the number in the click_id; then the whole text must match.
    programs = select(aliased(Program).id)
    return and_(row.program_id.in_(programs), row.id == values["id"], row.click_id == values["click_id"])


def in_id_range(row: MappedRow, values: Parameters) -> ColumnElement[bool]:
    """Return whether a click is in a program and in an inclusive range of ids."""
    return and_(row.program_id == values["program_id"], row.id.between(values["first_id"], values["last_id"]))
