"""Codes that no link has: whose they are, what is kept of them, and that guesses displace nothing that matters."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, update

from db.engine.store import Store
from db.lookups.unknown_codes import MOST_STORED, MOST_WAITING, UnknownCodeNotes
from db.schema.integrations import UnknownCode
from db.schema.programs import Program

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
async def notes(store: Store) -> UnknownCodeNotes:
    async with store.write() as connection:
        await connection.execute(update(Program).values(domain="shop.example"))
        await connection.execute(insert(Program).values(name="Second", domain="second.example"))
    return UnknownCodeNotes(store, lambda: NOW)


async def stored(store: Store) -> list[tuple[int, str, int, str]]:
    async with store.read() as connection:
        rows = select(UnknownCode.program_id, UnknownCode.code, UnknownCode.clicks, UnknownCode.last_page)
        ordered = rows.order_by(UnknownCode.program_id, UnknownCode.clicks.desc(), UnknownCode.code)
        return [(row.program_id, row.code, row.clicks, row.last_page) for row in await connection.execute(ordered)]


async def test_codes_are_counted_for_the_program_of_the_site(store: Store, notes: UnknownCodeNotes) -> None:
    notes.note("TYPO", "www.shop.example", "/a")
    notes.note("TYPO", "shop.example", "/b")
    notes.note("TYPO", "second.example", "/c")
    await notes.write()
    notes.note("TYPO", "shop.example", "/d")
    await notes.write()
    assert await stored(store) == [(1, "TYPO", 3, "shop.example/d"), (2, "TYPO", 1, "second.example/c")]


async def test_codes_of_no_programs_site_are_the_only_programs(store: Store, notes: UnknownCodeNotes) -> None:
    notes.note("TYPO", "elsewhere.example", "/")
    await notes.write()
    assert await stored(store) == []
    async with store.write() as connection:
        await connection.execute(Program.__table__.delete().where(Program.id == 2))  # type: ignore[attr-defined]  # a table
    notes.note("TYPO", "elsewhere.example", "/")
    await notes.write()
    assert await stored(store) == [(1, "TYPO", 1, "elsewhere.example/")]


async def test_guesses_displace_no_code_that_comes_again(store: Store, notes: UnknownCodeNotes) -> None:
    notes.note("TYPO", "shop.example", "/")
    notes.note("TYPO", "shop.example", "/")
    await notes.write()
    for number in range(MOST_STORED + MOST_WAITING):
        notes.note(f"guess{number}", "shop.example", "/")
    await notes.write()
    found = await stored(store)
    assert len(found) == MOST_STORED
    assert found[0] == (1, "TYPO", 2, "shop.example/")


async def test_a_long_page_is_cut(store: Store, notes: UnknownCodeNotes) -> None:
    notes.note("TYPO", "shop.example", "/\0" + "ü" * 1000)
    await notes.write()
    ((_, _, _, page),) = await stored(store)
    assert page == ("shop.example/" + "ü" * 1000)[:255]
