"""The choice of a rule, amounts, durations and clawbacks."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import permutations
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ingest.conversions.commissions import (
    END_OF_TIME,
    Conversion,
    Rule,
    chosen_rule,
    clawback,
    earning,
    granted,
    months_later,
    rounded_share,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LARGEST = 10**12


def rule(id: int = 1, **fields: Any) -> Rule:
    values: dict[str, Any] = {
        "partner_id": None,
        "product_id": None,
        "basis_points": 1000,
        "amount": None,
        "currency": None,
        "duration_months": None,
        "hold_days": 15,
        "approval": "auto",
        "effective_from": NOW - timedelta(days=30),
        "effective_to": None,
    }
    return Rule(id, **values | fields)


def fixed(id: int = 1, *, amount: int = 500, **fields: Any) -> Rule:
    return rule(id, basis_points=None, amount=amount, currency="EUR", **fields)


def sale(**fields: Any) -> Conversion:
    values: dict[str, Any] = {"occurred_at": NOW, "partner_id": 7, "amount": 1000, "currency": "USD"}
    return Conversion(**values | fields)


def chosen(rules: list[Rule], conversion: Conversion) -> int | None:
    found = chosen_rule(rules, conversion)
    return None if found is None else found.id


GENERAL = rule(1)
FOR_PRODUCT = rule(2, product_id="pro")
FOR_PARTNER = rule(3, partner_id=7)
FOR_BOTH = rule(4, partner_id=7, product_id="pro")


@pytest.mark.parametrize("rules", list(permutations([GENERAL, FOR_PRODUCT, FOR_PARTNER, FOR_BOTH])))
def test_the_most_specific_rule_counts_in_whatever_order_they_are_found(rules: tuple[Rule, ...]) -> None:
    left = list(rules)
    for expected in (4, 3, 2, 1, None):
        assert chosen(left, sale(product_id="pro")) == expected
        left = [one for one in left if one.id != expected]


def test_a_rule_for_another_partner_or_product_does_not_count() -> None:
    others = [rule(1, partner_id=8), rule(2, product_id="basic"), rule(3, partner_id=7, product_id="basic")]
    assert chosen(others, sale(product_id="pro")) is None
    assert chosen([*others, GENERAL], sale()) == 1


def test_a_rule_is_in_force_from_its_beginning_until_just_before_its_end() -> None:
    old = rule(1, effective_to=NOW)
    new = rule(2, effective_from=NOW)
    microsecond = timedelta(microseconds=1)
    assert chosen([old, new], sale(occurred_at=NOW - microsecond)) == 1
    assert chosen([old, new], sale(occurred_at=NOW)) == 2
    assert chosen([old], sale(occurred_at=NOW)) is None
    assert chosen([new], sale(occurred_at=NOW - microsecond)) is None


def test_of_two_equally_specific_rules_the_later_one_counts() -> None:
    assert chosen([rule(1), rule(2, effective_from=NOW), rule(3)], sale()) == 2
    assert chosen([rule(2), rule(1)], sale()) == 2


def test_a_more_general_rule_does_not_step_in_for_a_specific_one_that_grants_nothing() -> None:
    assert earning([GENERAL, rule(2, partner_id=7, basis_points=0)], sale()) is None
    assert earning([GENERAL, rule(2, partner_id=7, duration_months=0)], sale(is_first=False)) is None


def test_an_earning_says_what_the_rule_grants_and_when_its_hold_ends() -> None:
    found = earning([rule(5, hold_days=10, approval="manual")], sale())
    assert found is not None
    assert (found.rule_id, found.amount, found.currency) == (5, 100, "USD")
    assert (found.approval, found.hold_until) == ("manual", NOW + timedelta(days=10))
    found = earning([fixed(6, amount=250)], sale())
    assert found is not None
    assert (found.amount, found.currency) == (250, "EUR")


def test_zero_makes_no_commission() -> None:
    assert earning([fixed(amount=0)], sale()) is None
    assert earning([rule(basis_points=1)], sale(amount=4999)) is None
    assert earning([rule(basis_points=1)], sale(amount=5000)) is not None
    assert earning([], sale()) is None


@pytest.mark.parametrize(
    ("amount", "basis_points", "expected"),
    [(1, 5000, 1), (1, 4999, 0), (9999, 1500, 1500), (12_345, 1250, 1543), (LARGEST, 10_000, LARGEST), (5, 1000, 1)],
)
def test_a_percentage_is_rounded_half_up(amount: int, basis_points: int, expected: int) -> None:
    assert granted(rule(basis_points=basis_points), amount) == expected


@given(st.integers(1, LARGEST), st.integers(0, 10_000))
def test_a_percentage_agrees_with_decimal_arithmetic(amount: int, basis_points: int) -> None:
    exact = Decimal(amount) * basis_points / 10_000
    assert granted(rule(basis_points=basis_points), amount) == exact.quantize(Decimal(1), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        ("2026-01-31T12:00", 1, "2026-02-28T12:00"),
        ("2028-01-31T12:00", 1, "2028-02-29T12:00"),
        ("2028-02-29T12:00", 12, "2029-02-28T12:00"),
        ("2026-03-31T23:59", 1, "2026-04-30T23:59"),
        ("2026-12-15T00:00", 1, "2027-01-15T00:00"),
        ("2026-01-31T12:00", 2, "2026-03-31T12:00"),
        ("2026-11-30T12:00", 3, "2027-02-28T12:00"),
        ("2026-05-01T12:00", 24, "2028-05-01T12:00"),
    ],
)
def test_months_go_by_the_calendar(start: str, months: int, expected: str) -> None:
    later = months_later(datetime.fromisoformat(start).replace(tzinfo=UTC), months)
    assert later == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_duration_beyond_the_calendar_never_ends() -> None:
    assert months_later(NOW, 10**9) == END_OF_TIME


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.integers(1, 240))
def test_a_later_month_keeps_the_day_and_time_or_has_no_such_day(start: datetime, months: int) -> None:
    later = months_later(start, months)
    assert (later.year * 12 + later.month) - (start.year * 12 + start.month) == months
    assert later.time() == start.time()
    if later.day != start.day:
        assert later.day < start.day
        assert (later + timedelta(days=1)).day == 1


FIRST_AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIMIT_AT = datetime(2026, 2, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("duration", "occurred_at", "is_first", "earns"),
    [
        (None, NOW, False, True),
        (0, NOW, True, True),
        (0, NOW, False, False),
        (1, LIMIT_AT - timedelta(microseconds=1), False, True),
        (1, LIMIT_AT, False, False),
        (2, LIMIT_AT, False, True),
    ],
)
def test_a_duration_limits_which_sales_earn(
    duration: int | None, occurred_at: datetime, is_first: bool, earns: bool
) -> None:
    one = sale(occurred_at=occurred_at, is_first=is_first, first_commission_at=FIRST_AT)
    rules = [rule(duration_months=duration, effective_from=FIRST_AT - timedelta(days=1))]
    assert (earning(rules, one) is not None) == earns


def test_a_duration_in_months_begins_with_the_first_commission() -> None:
    rules = [rule(duration_months=1)]
    assert earning(rules, sale(is_first=False)) is not None


@pytest.mark.slow
@given(st.integers(1, LARGEST), st.data())
def test_clawbacks_add_up_to_the_rounded_share_whatever_the_refunds(amount: int, data: st.DataObject) -> None:
    commission = data.draw(st.integers(0, 2 * amount))
    totals = data.draw(st.lists(st.integers(1, amount), max_size=10, unique=True).map(sorted))
    clawed_back = 0
    for refunded in [*totals, amount]:
        taken = clawback(commission, amount, refunded, clawed_back)
        assert taken >= 0
        clawed_back += taken
        assert clawed_back == floor(Fraction(commission * refunded, amount) + Fraction(1, 2))
    assert clawed_back == commission


def test_many_small_refunds_lose_no_cent() -> None:
    taken: list[int] = []
    for refunded in range(1, 101):
        taken.append(clawback(33, 100, refunded, sum(taken)))
    assert sum(taken) == 33
    assert set(taken) == {0, 1}


def test_a_share_is_rounded_half_up() -> None:
    assert [rounded_share(1, part, 4) for part in range(5)] == [0, 0, 1, 1, 1]
