"""A consumer's position among rows whose transactions commit in any order, or never."""

from random import Random

import pytest

from db.outbox.position import Gap, Position, Transactions

ROUNDS = 400


def test_without_running_transactions_a_missing_id_is_no_gap() -> None:
    assert Position(3).advanced([5, 9], Transactions(7, 7), read_all=True) == Position(9)


def test_an_id_that_may_still_be_committed_is_a_gap() -> None:
    position = Position(3).advanced([4, 7], Transactions(40, 42), read_all=True)
    assert position == Position(7, (Gap(5, 6, 42),))
    assert position.complete_to == 4


def test_a_gap_is_closed_by_its_rows() -> None:
    position = Position(9, (Gap(2, 8, 42),)).advanced([4, 5], Transactions(40, 43), read_all=True)
    assert position == Position(9, (Gap(2, 3, 42), Gap(6, 8, 42)))
    assert position.advanced([2, 3, 6, 7, 8], Transactions(40, 43), read_all=True) == Position(9)


def test_a_gap_is_given_up_once_its_transactions_have_ended() -> None:
    position = Position(9, (Gap(2, 3, 42), Gap(5, 5, 44)))
    assert position.advanced([], Transactions(42, 50), read_all=True) == Position(9, (Gap(5, 5, 44),))


def test_no_gap_is_given_up_while_rows_are_left_to_read() -> None:
    position = Position(9, (Gap(2, 3, 42),))
    assert position.advanced([2], Transactions(50, 50), read_all=False) == Position(9, (Gap(3, 3, 42),))


@pytest.mark.parametrize("seed", range(20))
def test_each_committed_row_is_processed_exactly_once(seed: int) -> None:
    choose = Random(seed)
    running: dict[int, list[int]] = {}
    committed: set[int] = set()
    processed: list[int] = []
    position, next_number, next_id = Position(), 1, 1
    for _ in range(ROUNDS):
        match choose.randrange(5):
            case 0 | 1:
                running[next_number] = []
                next_number += 1
            case 2 if running:
                for _ in range(choose.randrange(1, 4)):
                    running[choose.choice(list(running))].append(next_id)
                    next_id += 1
            case 3 if running:
                ids = running.pop(choose.choice(list(running)))
                committed |= set(ids) if choose.random() < 0.7 else set()
            case 4:
                position, ids = read(position, committed, running, next_number, choose.randrange(1, 6))
                processed += ids
    committed |= {id for ids in running.values() for id in ids}
    while ids := read(position, committed, {}, next_number, 5)[1]:
        position, ids = read(position, committed, {}, next_number, 5)
        processed += ids
    assert sorted(processed) == sorted(committed)
    assert position.advanced([], Transactions(next_number, next_number), read_all=True).gaps == ()


def read(
    position: Position, committed: set[int], running: dict[int, list[int]], next_number: int, limit: int
) -> tuple[Position, list[int]]:
    """Process some of what is visible; return the position after that, and the ids."""
    ahead = [
        id
        for id in sorted(committed)
        if id > position.reached or any(gap.first_id <= id <= gap.last_id for gap in position.gaps)
    ]
    transactions = Transactions(min(running, default=next_number), next_number)
    ids = ahead[:limit]
    return position.advanced(ids, transactions, read_all=len(ids) == len(ahead)), ids
