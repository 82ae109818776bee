"""Calls that run ahead of whoever uses what they return."""

import asyncio
from contextlib import aclosing
from functools import partial

import pytest

from db.tasks import ahead


class Calls:
    """Calls that note when they begin and end. The one with the number `failing` fails."""

    def __init__(self, failing: int = -1) -> None:
        self.noted: list[str] = []
        self._failing = failing

    async def call(self, number: int) -> int:
        self.noted.append(f"begin {number}")
        await asyncio.sleep(0.01)
        self.noted.append(f"end {number}")
        if number == self._failing:
            raise ValueError(number)
        return number


async def test_the_next_call_runs_while_a_result_is_used() -> None:
    calls = Calls()
    async for number in ahead(partial(calls.call, number) for number in range(3)):
        calls.noted.append(f"use {number}")
        await asyncio.sleep(0.05)
    first, second = ["begin 0", "end 0", "use 0", "begin 1", "end 1"], ["use 1", "begin 2", "end 2", "use 2"]
    assert calls.noted == first + second


async def test_without_calls_there_are_no_results() -> None:
    assert [number async for number in ahead(partial(Calls().call, number) for number in range(0))] == []


async def test_closing_waits_for_the_call_that_runs() -> None:
    calls = Calls()
    async with aclosing(ahead(partial(calls.call, number) for number in range(3))) as results:
        async for _ in results:
            await asyncio.sleep(0)
            break
    assert calls.noted[-1] == "end 1"


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_a_failure_comes_where_its_result_would(failing: int) -> None:
    results = ahead(partial(Calls(failing).call, number) for number in range(3))
    assert [await anext(results) for _ in range(failing)] == list(range(failing))
    with pytest.raises(ValueError, match=str(failing)):
        await anext(results)
